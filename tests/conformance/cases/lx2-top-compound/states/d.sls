d:
  test.nop
