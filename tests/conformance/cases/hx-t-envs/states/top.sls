base:
  '*':
    - a
dev:
  '*':
    - b
prod:
  'nothing':
    - c
