bad:
  test.nop
