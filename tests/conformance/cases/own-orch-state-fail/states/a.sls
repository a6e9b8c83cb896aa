a:
  cmd.run:
    - name: echo a >> @ROOT@/log
b:
  test.fail_without_changes
