x:
  test.nop:
    - names: one
