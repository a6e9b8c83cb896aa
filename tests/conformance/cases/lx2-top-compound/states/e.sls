e:
  test.nop
