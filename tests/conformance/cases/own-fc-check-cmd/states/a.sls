ok:
  test.succeed_with_changes:
    - check_cmd: 'true'
bad:
  test.succeed_with_changes:
    - check_cmd: 'false'
list:
  test.succeed_without_changes:
    - check_cmd:
      - 'true'
      - 'false'
fixed:
  test.fail_with_changes:
    - check_cmd: 'true'
run:
  cmd.run:
    - name: exit 3
    - check_cmd:
      - echo c >> @ROOT@/log
dep:
  test.nop:
    - require:
      - test: bad
