include:
  - empty
web: test.nop
