i:
  test.nop
