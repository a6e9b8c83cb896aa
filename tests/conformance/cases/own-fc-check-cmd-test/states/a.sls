ok:
  test.succeed_with_changes:
    - check_cmd: echo c >> @ROOT@/log; false
bad:
  cmd.run:
    - name: 'true'
    - check_cmd: 'false'
