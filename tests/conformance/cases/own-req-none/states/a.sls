z1:
  test.nop:
    - require:
z2:
  test.nop: []
