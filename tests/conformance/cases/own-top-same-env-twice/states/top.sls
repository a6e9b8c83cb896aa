base:
  '*':
    - a
base:
  '*':
    - b
