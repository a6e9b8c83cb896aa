include: [b]
exclude:
  - id: b1
a1:
  test.nop: []
