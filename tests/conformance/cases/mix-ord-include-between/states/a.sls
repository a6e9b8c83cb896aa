
a1:
  test.nop: []
include:
  - c
  - b
a2:
  test.nop: []
