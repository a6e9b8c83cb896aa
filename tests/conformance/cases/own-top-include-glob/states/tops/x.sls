base:
  'lab*':
    - b
  '*':
    - c
