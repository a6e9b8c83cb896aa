x:
  test.nop:
    - require:
      - test: l
l:
  test.nop:
    - order: last
f:
  test.nop:
    - order: first
    - require:
      - test: m
m:
  test.nop: []
