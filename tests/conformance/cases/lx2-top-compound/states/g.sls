g:
  test.nop
