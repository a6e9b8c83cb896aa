include: [c]
a1:
  test.nop
