sib:
  test.nop: []
