include:
  - b
  - b
  - c
a1:
  test.nop: []
