include: [.]
r:
  test.nop
