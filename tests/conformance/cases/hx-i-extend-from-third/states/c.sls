c1:
  test.nop:
    - order: 3
