x:
  test.nop:
    - names: [a, a, b]
