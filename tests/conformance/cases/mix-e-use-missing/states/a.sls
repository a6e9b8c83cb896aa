a:
  test.nop:
    - use: [test: zz]
