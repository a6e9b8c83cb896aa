svc:
  cmd.wait:
    - name: echo restarted >> @ROOT@/log
    - listen:
      - test: c1
c1:
  test.succeed_with_changes: []
svc2:
  test.nop:
    - listen:
      - test: c1
