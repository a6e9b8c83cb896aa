
x:
  test.fail_without_changes:
    - failhard: True
h:
  test.nop:
    - onfail: [test: x]
y:
  test.nop: []
l:
  test.succeed_with_changes:
    - order: 1
    - listen_in: [cmd: w]
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
