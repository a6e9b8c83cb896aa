exclude:
  sls: b
own:
  test.nop
