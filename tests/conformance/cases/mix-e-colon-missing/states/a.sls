a
  test.nop
