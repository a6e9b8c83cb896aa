
a1:
  test.nop:
    - require_in: [test: b1]
b1:
  test.nop:
    - require_in: [test: c1]
c1:
  test.nop:
    - require_in: [test: a1]
