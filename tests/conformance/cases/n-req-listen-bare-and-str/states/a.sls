l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen: chg
m:
  cmd.wait:
    - name: echo m >> @ROOT@/log
    - listen:
      - chg
chg:
  test.succeed_with_changes: []
