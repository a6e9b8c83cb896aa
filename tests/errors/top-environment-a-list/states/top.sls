base:
  - '*'
