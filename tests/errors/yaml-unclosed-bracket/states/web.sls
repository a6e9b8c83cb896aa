web:
  test.nop:
    - list: [1, 2
other: test.nop
