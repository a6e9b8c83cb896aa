a:
  test.nop:
    - require:
b:
  test.nop: []
