include: [nope]
b1:
  test.nop
