l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen:
        test: chg
chg:
  test.succeed_with_changes: []
