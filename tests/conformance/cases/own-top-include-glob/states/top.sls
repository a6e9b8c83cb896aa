include:
  - tops.*
  - nope
base:
  '*':
    - a
