a:
  cmd.run:
    - name: 'true'
    - cwd: @ROOT@/d
    - check_cmd: test -e here
b:
  cmd.run:
    - name: 'true'
    - env: [{V: 1}]
    - check_cmd: test "$V" = 1
c:
  test.nop:
    - check_cmd:
      - fun: test.false
d:
  test.nop:
    - check_cmd: false
e:
  test.nop:
    - check_cmd: [nosuchcmd]
f:
  test.nop:
    - check_cmd: []
