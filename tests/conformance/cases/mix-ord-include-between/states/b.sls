
include: [c]
b1:
  test.nop:
    - order: 3
