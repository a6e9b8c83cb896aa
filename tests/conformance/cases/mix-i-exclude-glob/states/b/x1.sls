x1:
  test.nop: []
