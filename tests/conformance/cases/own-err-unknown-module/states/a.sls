x:
  nosuch.thing: []
y:
  test.nosuch: []
z:
  test.nop:
    - require:
      - test: y
