t:
  test.nop
