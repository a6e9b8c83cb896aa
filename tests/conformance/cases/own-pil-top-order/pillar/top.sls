base:
  '*':
    - order: 2
    - p
  'lab*':
    - order: 1
    - q
