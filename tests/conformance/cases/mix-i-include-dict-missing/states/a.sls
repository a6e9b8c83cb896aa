include:
  - base: b
  - nope: c
a:
  test.nop: []
