include: [c, a]
b1:
  test.nop
