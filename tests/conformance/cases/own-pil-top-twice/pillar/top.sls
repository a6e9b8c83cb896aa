base:
  '*':
    - one
    - two
  'lab*':
    - one
