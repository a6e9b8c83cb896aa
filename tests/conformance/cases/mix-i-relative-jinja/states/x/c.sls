include: [.b, x.d]
c:
  test.nop: []
