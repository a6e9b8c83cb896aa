b:
  test.nop:
    - order: '2'
c:
  test.nop:
    - order: foo
d:
  test.nop:
    - order: True
e:
  test.nop:
    - order: [1]
f:
  test.nop:
    - order:
a:
  test.nop: []
