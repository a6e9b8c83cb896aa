
n:
  test.succeed_with_changes:
    - names: [a1, a2]
bad:
  test.fail_without_changes:
    - names: [b1, b2]
r1:
  test.nop: [{require: [{test: a1}]}]
r2:
  test.nop: [{require: [{test: n}]}]
r3:
  test.nop: [{require: [{test: b1}]}]
r4:
  cmd.wait:
    - name: echo r4 >> @ROOT@/log
    - watch: [test: n]
r5:
  test.nop: [{onchanges: [{test: a2}]}]
r6:
  test.nop: [{onfail: [{test: bad}]}]
