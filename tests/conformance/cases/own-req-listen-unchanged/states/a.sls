svc:
  cmd.wait:
    - name: echo restarted >> @ROOT@/log
    - listen:
      - test: n1
n1:
  test.nop: []
last:
  test.nop: []
