{# never
a:
  test.nop: []
