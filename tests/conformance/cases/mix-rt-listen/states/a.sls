
s:
  test.succeed_with_changes: []
l:
  cmd.wait:
    - name: echo x >> @ROOT@/l; false
    - retry: {attempts: 3, interval: 0}
    - listen: [test: s]
