exclude: b
own:
  test.nop
