base:
  '*':
    - one
prod:
  '*':
    - two
