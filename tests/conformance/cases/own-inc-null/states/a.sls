include:
a1:
  test.nop: []
