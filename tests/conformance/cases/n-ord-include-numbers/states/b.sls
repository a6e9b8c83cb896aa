b1:
  test.nop:
    - order: 2
b2:
  test.nop
b3:
  test.nop:
    - order: last
