'':
  test.nop: []
