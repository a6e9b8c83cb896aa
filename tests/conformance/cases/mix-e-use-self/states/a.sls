a:
  test.nop:
    - use: [test: a]
