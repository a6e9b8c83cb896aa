h:
  test.nop
