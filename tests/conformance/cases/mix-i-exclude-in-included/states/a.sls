include: [b]
a:
  test.nop: []
q:
  test.nop: []
