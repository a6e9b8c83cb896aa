exclude: b1
b1:
  test.nop: []
