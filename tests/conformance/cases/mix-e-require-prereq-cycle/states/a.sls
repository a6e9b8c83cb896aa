a:
  test.nop:
    - prereq: [test: b]
    - require: [test: b]
b:
  test.nop: []
