include:
  - 42
web: test.nop
