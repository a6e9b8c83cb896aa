include: [a]
a:
  test.nop: []
