up:
  test.nop: []
