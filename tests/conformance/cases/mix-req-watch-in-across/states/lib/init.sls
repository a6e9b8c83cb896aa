
restart:
  cmd.wait:
    - name: echo restart >> @ROOT@/log
noted:
  test.succeed_with_changes: []
