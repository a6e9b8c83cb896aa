
include: [.sub]
l:
  test.nop: []
