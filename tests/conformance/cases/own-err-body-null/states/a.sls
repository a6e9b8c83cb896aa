x:
y:
  test.nop: []
