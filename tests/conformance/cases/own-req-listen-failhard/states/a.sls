c:
  test.succeed_with_changes: []
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen:
      - test: c
f:
  test.fail_without_changes: []
never:
  test.nop: []
