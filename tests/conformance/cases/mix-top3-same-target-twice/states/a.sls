a:
  test.nop:
    - require: [test: c]
