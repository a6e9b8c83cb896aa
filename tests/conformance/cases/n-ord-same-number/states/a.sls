c:
  test.nop:
    - order: 5
b:
  file.touch:
    - name: @ROOT@/b
    - order: 5
a:
  test.nop:
    - order: 5
d:
  test.nop:
    - order: -5
e:
  test.nop:
    - order: -5
f:
  test.nop:
    - order: last
g:
  test.nop:
    - order: first
h:
  test.nop:
    - order: 0
i:
  test.nop:
    - order: 10001
j:
  test.nop
