a.b:
  test.nop: []
c:
  test.nop:
    - require: [test: a.b]
