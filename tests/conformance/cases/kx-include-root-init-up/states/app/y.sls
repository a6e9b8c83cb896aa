include: [..]
y:
  test.nop
