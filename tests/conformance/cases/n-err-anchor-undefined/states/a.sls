x:
  test.nop: *nope
