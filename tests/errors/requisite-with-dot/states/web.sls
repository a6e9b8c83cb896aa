web:
  test.nop:
    - require:
      - test.nop: other
other: test.nop
