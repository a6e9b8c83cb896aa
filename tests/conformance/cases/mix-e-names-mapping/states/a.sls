a:
  test.nop:
    - names: {x: 1}
