%bad
a:
  test.nop: []
