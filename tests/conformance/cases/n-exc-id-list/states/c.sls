c1:
  test.nop
cc:
  test.nop
