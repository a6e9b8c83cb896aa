*:
  test.nop: []
