a:
  test.nop.more: []
