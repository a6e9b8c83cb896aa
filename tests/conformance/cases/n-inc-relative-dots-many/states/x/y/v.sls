v:
  test.nop
