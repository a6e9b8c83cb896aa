a:
  test.nop:
    - order: true
b:
  test.nop:
    - order: null
c:
  test.nop:
    - order: false
d:
  test.nop:
    - order: [1]
e:
  test.nop:
    - order: 1.5
f:
  test.nop:
    - order: 1e3
g:
  test.nop:
    - order: LAST
