w: {nosuch.fun: []}
x:
  test.nop:
    - require: y
y:
  test.nop: []
  cmd.run: []
z:
  test:
    - nop
    - succeed_with_changes
