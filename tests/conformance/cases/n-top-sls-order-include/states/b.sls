b:
  test.nop:
    - require:
      - sls: a
