include:
  - dev: b
