~:
  test.nop: []
