include: [b]
a1:
  test.nop
a2:
  test.nop:
    - order: 1
