svc:
  cmd.wait:
    - name: echo restarted >> @ROOT@/log
c1:
  test.succeed_with_changes:
    - listen_in:
      - cmd: svc
c2:
  test.succeed_with_changes:
    - listen_in:
      - cmd: svc
n1:
  test.nop:
    - listen_in:
      - cmd: svc
