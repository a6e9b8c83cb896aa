include:
  - d.e.s
