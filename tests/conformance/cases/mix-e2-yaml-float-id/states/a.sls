1.5:
  test.nop: []
