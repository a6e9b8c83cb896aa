include:
  - .sib
  - ..up
z:
  test.nop: []
