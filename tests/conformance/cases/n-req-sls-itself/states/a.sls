x:
  test.nop:
    - require:
      - sls: a
y:
  test.nop
