f:
  test.nop: []
