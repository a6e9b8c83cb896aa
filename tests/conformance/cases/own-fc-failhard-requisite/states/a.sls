ok:
  test.nop
a:
  test.nop:
    - require:
      - test: nope
b:
  test.nop
