z1:
  test.nop:
    - require:
      - test: q*
z2:
  test.nop: []
