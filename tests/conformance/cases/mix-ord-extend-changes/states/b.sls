
p:
  test.nop: []
q:
  test.nop: []
r:
  test.nop:
    - require_in: [test: x]
