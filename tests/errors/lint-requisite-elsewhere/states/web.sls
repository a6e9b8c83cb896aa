web:
  test.nop:
    - require:
      - test: common
