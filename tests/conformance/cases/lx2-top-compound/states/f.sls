f:
  test.nop
