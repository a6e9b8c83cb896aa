l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen_any:
      - test: chg
chg:
  test.succeed_with_changes: []
