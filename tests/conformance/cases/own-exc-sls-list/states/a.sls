include: [b]
exclude:
  - sls: b
a1:
  test.nop: []
