svc:
  cmd.wait:
    - name: echo svc >> @ROOT@/log
other:
  test.succeed_with_changes
