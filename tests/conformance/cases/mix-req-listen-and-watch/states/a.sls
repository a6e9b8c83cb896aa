
s:
  test.succeed_with_changes: []
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch: [test: s]
    - listen: [test: s]
