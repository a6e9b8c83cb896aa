web:
  - test.nop
