
.defs: &d
  a: 1
x:
  test.nop: []
