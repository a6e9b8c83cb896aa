
t:
  test.fail_with_changes: []
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq: [test: t]
    - failhard: True
n:
  test.nop: []
