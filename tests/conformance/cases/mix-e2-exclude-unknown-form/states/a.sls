exclude:
  - foo: a
a:
  test.nop: []
