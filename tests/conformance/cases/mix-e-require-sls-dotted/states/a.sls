a:
  test.nop:
    - require:
      - sls: b.c
