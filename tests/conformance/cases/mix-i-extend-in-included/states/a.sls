include: [b]
c:
  test.nop: []
