a:
  cmd.run:
    - name: touch @ROOT@/a
    - check_cmd:
      - test -e @ROOT@/a
b:
  cmd.run:
    - name: 'true'
    - check_cmd:
      - test -e @ROOT@/b
c:
  test.fail_without_changes:
    - check_cmd:
      - 'true'
d:
  test.succeed_without_changes:
    - check_cmd: 'false'
e:
  test.succeed_with_changes:
    - check_cmd:
      - 'true'
      - 'false'
f:
  file.managed:
    - name: @ROOT@/f
    - contents: x
    - check_cmd: 'false'
dep:
  test.nop:
    - require:
      - test: c
dep2:
  test.nop:
    - require:
      - test: d
g:
  test.succeed_with_changes:
    - onlyif: 'false'
    - check_cmd:
      - 'false'
h:
  cmd.wait:
    - name: echo
    - check_cmd:
      - 'false'
