twelve:
  test.nop
