include:
  - other
base:
  '*':
    - a
