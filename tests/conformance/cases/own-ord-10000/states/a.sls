a:
  test.nop: []
b:
  test.nop: []
c:
  test.nop:
    - order: 10000
d:
  test.nop:
    - order: 10001
e:
  test.nop:
    - order: 9999
