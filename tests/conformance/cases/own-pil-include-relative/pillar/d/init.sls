include:
  - .x
k: 1
