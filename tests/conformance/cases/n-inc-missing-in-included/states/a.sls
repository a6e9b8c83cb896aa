include: [b]
a1:
  test.nop
