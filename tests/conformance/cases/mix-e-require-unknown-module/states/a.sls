a:
  test.nop:
    - require:
      - nope: b
b:
  test.nop: []
