include:
  - ..other
x: 2
