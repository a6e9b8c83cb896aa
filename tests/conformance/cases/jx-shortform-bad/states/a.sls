b:
  test: nop
