a:
  test.nop:
    - require:
      - tets: b
b:
  test.nop: []
