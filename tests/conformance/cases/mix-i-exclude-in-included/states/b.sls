exclude:
  - id: q
b:
  test.nop: []
