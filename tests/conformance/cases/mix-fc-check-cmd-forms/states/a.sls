
a:
  test.succeed_with_changes:
    - check_cmd:
      - "true"
      - "false"
b:
  test.fail_with_changes:
    - check_cmd: "true"
c:
  test.nop:
    - check_cmd:
      - fun: test.false
d:
  test.nop:
    - check_cmd:
      - test -f @ROOT@/none
    - retry: {attempts: 2, interval: 0}
e:
  test.nop:
    - check_cmd: []
f:
  test.succeed_with_changes:
    - check_cmd: [ "false" ]
    - failhard: False
g:
  test.nop:
    - onchanges: [test: a]
h:
  test.nop:
    - require: [test: b]
