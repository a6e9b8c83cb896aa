x:
  test.nop:
    - require:
      - sls: b
y:
  test.nop:
    - onchanges:
      - sls: b
