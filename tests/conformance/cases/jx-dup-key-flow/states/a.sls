a:
  test.nop:
    - data: {x: 1, x: 2}
