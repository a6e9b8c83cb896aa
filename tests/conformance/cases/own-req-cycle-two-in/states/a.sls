a1:
  test.nop:
    - require:
      - test: b1
    - require_in:
      - test: b1
b1:
  test.nop: []
