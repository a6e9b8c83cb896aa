a1:
  test.nop:
    - onfail:
      - test: b1
b1:
  test.nop:
    - require:
      - test: a1
