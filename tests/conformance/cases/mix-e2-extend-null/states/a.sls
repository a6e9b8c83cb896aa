extend:
a:
  test.nop: []
