include:
  - one
k: two
b: 2
