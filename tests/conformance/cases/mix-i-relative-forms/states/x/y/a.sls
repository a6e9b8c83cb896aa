
include:
  - .b
  - ..c
  - ...d
a:
  test.nop: []
