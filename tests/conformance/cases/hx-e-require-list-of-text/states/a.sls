x:
  test.nop:
    - require: [y, nope]
y: {test: [nop]}
z:
  test.nop:
    - require:
      - y
