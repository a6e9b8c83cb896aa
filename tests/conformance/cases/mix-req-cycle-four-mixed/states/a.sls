
a1:
  test.nop:
    - require: [test: b1]
b1:
  test.nop:
    - watch: [test: c1]
c1:
  test.nop:
    - onchanges: [test: d1]
d1:
  test.nop:
    - require: [test: a1]
ok:
  test.nop: []
dep:
  test.nop:
    - require: [test: a1]
