base:
  '*'
    - a
