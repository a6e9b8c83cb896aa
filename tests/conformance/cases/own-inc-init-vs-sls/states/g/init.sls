ginit:
  test.nop: []
