include: [b, c]
exclude:
  - b1
  - c
