web:
  test.nop:
    - require:
      - test: [other, more]
other: test.nop
