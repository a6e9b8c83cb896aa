base:
  '*':
    - a
prod:
  '*':
    - b
