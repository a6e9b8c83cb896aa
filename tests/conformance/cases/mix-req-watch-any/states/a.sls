
bad:
  test.fail_without_changes: []
good:
  test.succeed_with_changes: []
same:
  test.succeed_without_changes: []
w1:
  cmd.wait:
    - name: echo w1 >> @ROOT@/log
    - watch_any: [test: bad, test: good]
w2:
  cmd.wait:
    - name: echo w2 >> @ROOT@/log
    - watch_any: [test: same, test: bad]
w3:
  cmd.wait:
    - name: echo w3 >> @ROOT@/log
    - watch_any: [test: same]
