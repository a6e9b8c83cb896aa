x:
  test.nop.more: []
