ten:
  test.nop
