a:
  test.nop:
    - true
