include:
  - b
  - empty
