include:
  - d
  - e.f
  - g
