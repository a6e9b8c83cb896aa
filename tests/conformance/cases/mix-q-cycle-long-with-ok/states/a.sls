
a:
  test.nop: [{require: [{test: b}]}]
b:
  test.nop: [{require: [{test: c}]}]
c:
  test.nop: [{require: [{test: d}]}]
d:
  test.nop: [{require: [{test: e}]}]
e:
  test.nop: [{require: [{test: a}]}]
f:
  test.nop: [{onfail: [{test: c}]}]
g:
  cmd.wait:
    - name: echo g >> @ROOT@/log
    - watch: [test: d]
