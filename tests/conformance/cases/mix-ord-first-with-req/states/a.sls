
z:
  test.nop:
    - order: first
    - require: [test: y]
y:
  test.nop:
    - order: last
x:
  test.nop:
    - order: 1
w:
  test.nop:
    - order: -2
v:
  test.nop: []
u:
  test.nop:
    - order: 0
