extend: x
a:
  test.nop: []
