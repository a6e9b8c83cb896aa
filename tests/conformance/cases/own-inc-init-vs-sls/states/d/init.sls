dinit:
  test.nop: []
