a1:
  test.nop: []
include:
  - b
