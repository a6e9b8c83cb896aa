include: [d]
extend:
  d:
    test.nop:
      - require: [test: b]
b:
  test.nop: []
