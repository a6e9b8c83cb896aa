a:
  test.nop:
    - listen: x
