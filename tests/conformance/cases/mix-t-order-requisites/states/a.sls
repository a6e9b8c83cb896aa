a1:
  test.nop:
    - order: first
a2:
  test.nop: []
