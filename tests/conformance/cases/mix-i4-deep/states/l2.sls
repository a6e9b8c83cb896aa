include: [l3]
s2:
  test.nop: []
