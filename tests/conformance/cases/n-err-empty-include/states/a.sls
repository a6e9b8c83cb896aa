include:
x:
  test.nop
