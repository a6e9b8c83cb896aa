include:
  - b
exclude:
  - b1
