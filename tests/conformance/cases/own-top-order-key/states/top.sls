base:
  '*':
    - order: 2
    - a
  'lab*':
    - order: 1
    - b
