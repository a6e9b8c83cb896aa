x:
  test.nop:
    - require:
      - sls: b
