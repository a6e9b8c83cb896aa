base:
  '*':
    - two
