ai:
  test.nop
