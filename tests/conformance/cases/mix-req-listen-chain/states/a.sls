
s:
  test.succeed_with_changes: []
l1:
  cmd.wait:
    - name: echo l1 >> @ROOT@/log
    - listen: [test: s]
l2:
  cmd.wait:
    - name: echo l2 >> @ROOT@/log
    - listen: [cmd: l1]
