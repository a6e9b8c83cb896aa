e:
  test.nop:
    - order: last
d:
  test.nop:
    - order: -1
c:
  test.nop:
    - order: -5
b:
  test.nop: []
a:
  test.nop:
    - order: 3
a2:
  test.nop:
    - order: 2.5
z:
  test.nop:
    - order: 0
f:
  test.nop:
    - order: first
