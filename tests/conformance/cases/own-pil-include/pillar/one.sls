include:
  - two
k: one
m: {a: 1}
