base:
  '*':
    - p
prod:
  'web*':
    - q
