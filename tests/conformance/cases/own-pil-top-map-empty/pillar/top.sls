base:
  '*':
    - p: {}
    - q
