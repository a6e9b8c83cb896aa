include: [b, b, .b]
a1:
  test.nop
