
include: [d]
c1:
  test.nop: []
