include: [a]
c1:
  test.nop: []
