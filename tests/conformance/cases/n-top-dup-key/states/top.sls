base:
  '*':
    - one
  '*':
    - two
