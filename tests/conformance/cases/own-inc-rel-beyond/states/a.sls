include:
  - ..b
