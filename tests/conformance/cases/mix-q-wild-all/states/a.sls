
a1:
  test.succeed_with_changes: []
a2:
  test.fail_without_changes: []
b:
  test.nop:
    - require: [test: "a*"]
c:
  test.nop:
    - onchanges: [test: "a[1]"]
d:
  test.nop:
    - require_any: [test: "a?"]
e:
  cmd.wait:
    - name: echo e >> @ROOT@/log
    - watch: [test: "*1"]
f:
  test.nop:
    - onfail: [test: "a*"]
