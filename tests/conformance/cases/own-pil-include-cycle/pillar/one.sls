include:
  - two
k: one
a: 1
