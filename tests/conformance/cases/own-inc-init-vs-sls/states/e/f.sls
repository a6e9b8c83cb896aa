ef:
  test.nop: []
