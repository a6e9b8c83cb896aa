
three:
  test.nop:
    - require:
      - test: two
