exclude:
  - id: nothing
  - sls: gone
b1:
  test.nop: []
