a:
  test.nop:
    - order: last
b:
  test.nop
c:
  test.nop:
    - order: first
d:
  test.nop:
    - order: -1
e:
  test.nop:
    - order: -2
f:
  test.nop:
    - order: 5
g:
  test.nop:
    - order: 0
h:
  test.nop:
    - order: 1.5
i:
  test.nop:
    - order: '3'
j:
  test.nop:
    - order: true
k:
  test.nop:
    - order: null
l:
  test.nop:
    - order: 10003
m:
  test.nop:
    - order: -1000
n:
  test.nop:
    - order: LAST
