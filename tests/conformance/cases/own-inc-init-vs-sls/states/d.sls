dfile:
  test.nop: []
