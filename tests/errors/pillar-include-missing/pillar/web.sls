include:
  - comon
web: 1
