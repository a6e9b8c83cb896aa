
s:
  test.succeed_with_changes:
    - names: [x, y]
    - listen_in: [cmd: l]
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
m:
  test.nop:
    - listen: [test: x, test: s]
