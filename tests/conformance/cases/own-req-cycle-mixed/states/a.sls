a1:
  test.nop:
    - require:
      - test: b1
b1:
  test.nop:
    - watch:
      - test: a1
