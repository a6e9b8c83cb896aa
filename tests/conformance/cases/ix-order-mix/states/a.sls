a:
  test.nop:
    - order: last
b:
  test.nop:
    - order: -5
c:
  test.nop:
    - order: 5
d:
  test.nop:
    - order: first
e:
  test.nop
f:
  test.nop:
    - order: 0
g:
  test.nop:
    - order: 10001
h:
  test.nop:
    - order: -1
i:
  test.nop:
    - order: True
j:
  test.nop:
    - order: 1.5
k:
  test.nop:
    - order: '3'
l:
  test.nop:
    - order: last
    - require: [test: m]
m:
  test.nop:
    - order: last
