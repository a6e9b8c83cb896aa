include:
  - comon
web: test.nop
