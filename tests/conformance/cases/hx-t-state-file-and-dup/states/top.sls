base:
  '*':
    - d.e
    - a
    - d.e
    - d
