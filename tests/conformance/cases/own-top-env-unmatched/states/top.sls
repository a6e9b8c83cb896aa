base:
  '*':
    - a
prod:
  'web*':
    - b
