c:
  - test.nop
