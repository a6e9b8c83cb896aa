base:
  '*'
    - one
