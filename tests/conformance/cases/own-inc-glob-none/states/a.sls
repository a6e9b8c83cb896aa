include:
  - nothing.*
a1:
  test.nop: []
