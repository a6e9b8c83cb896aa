nine:
  test.nop
