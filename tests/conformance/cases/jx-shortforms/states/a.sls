a: test.nop
b:
  test: nop
c:
  - test.nop
d:
  test:
    - nop
e:
  test.nop: []
f:
  test.nop: ~
g:
  test:
    - nop
    - name: q
h:
  test.nop:
    - name: q
    - unknown_arg
