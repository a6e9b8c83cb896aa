from-b:
  test.nop
other-b:
  test.nop
