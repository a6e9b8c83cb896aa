base:
  '*':
    - a: {}
    - b
