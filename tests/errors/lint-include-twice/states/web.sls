include:
  - common
  - common
web: test.nop
