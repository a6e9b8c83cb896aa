
a:
  file.managed:
    - name: @ROOT@/s
    - contents: bad
    - check_cmd: grep -q good
b:
  file.managed:
    - name: @ROOT@/t
    - contents: good
    - check_cmd: grep -q good
c:
  test.nop:
    - check_cmd: [ "true", "false" ]
d:
  test.fail_without_changes:
    - check_cmd: [ "true" ]
e:
  cmd.run:
    - name: echo e > @ROOT@/e
    - check_cmd:
      - test -f @ROOT@/e
f:
  test.nop:
    - require: [test: c]
