v:
  test.nop: []
