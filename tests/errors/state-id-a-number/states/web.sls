8080:
  test.nop: []
