include:
  - ghost
k: 1
