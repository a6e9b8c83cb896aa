include: {x: y}
a:
  test.nop: []
