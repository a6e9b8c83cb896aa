include:
  - .x
  - sub.y
s: 1
list: [s]
