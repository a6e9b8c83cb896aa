u:
  test.nop: []
