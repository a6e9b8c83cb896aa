base:
  '*':
    - one
dev:
  '*':
    - two
prod:
  'lab*':
    - three
