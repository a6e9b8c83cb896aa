include:
  - ..common
web: test.nop
