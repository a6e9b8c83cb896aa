include: [b.*]
exclude:
  - sls: b.x*
a:
  test.nop: []
