extend:
  a:
    - x
a:
  test.nop: []
