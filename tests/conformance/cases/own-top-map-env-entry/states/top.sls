base:
  '*':
    - base: a
    - prod: b
    - b
