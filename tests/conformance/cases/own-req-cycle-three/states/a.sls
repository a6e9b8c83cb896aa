a1:
  test.nop:
    - require:
      - test: b1
b1:
  test.nop:
    - require:
      - test: c1
c1:
  test.nop:
    - require:
      - test: a1
d1:
  test.nop: []
e1:
  test.nop:
    - require:
      - test: a1
