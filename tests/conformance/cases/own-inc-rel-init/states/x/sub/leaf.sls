leaf:
  test.nop: []
