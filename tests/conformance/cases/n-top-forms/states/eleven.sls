eleven:
  test.nop
