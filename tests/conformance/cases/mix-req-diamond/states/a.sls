
top:
  test.nop:
    - require: [test: l, test: r]
r:
  test.succeed_with_changes:
    - require: [test: base]
l:
  test.fail_with_changes:
    - require: [test: base]
base:
  test.succeed_with_changes: []
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch: [test: l, test: r]
