z:
  test.nop: []
