l1:
  test.nop:
    - order: last
l2:
  test.nop:
    - order: last
    - require_in:
      - test: f1
f1:
  test.nop:
    - order: first
m:
  test.nop:
    - watch:
      - test: l1
n:
  test.nop
