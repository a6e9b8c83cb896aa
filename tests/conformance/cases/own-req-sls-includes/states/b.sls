include:
  - c
