include:
  - b
c1:
  test.nop: []
