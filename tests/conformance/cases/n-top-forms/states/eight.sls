eight:
  test.nop
