include: [gone]
b1:
  test.nop: []
