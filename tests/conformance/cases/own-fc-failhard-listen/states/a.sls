c:
  test.succeed_with_changes
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen:
      - test: c
b:
  test.fail_without_changes
after:
  test.nop
