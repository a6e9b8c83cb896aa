bad:
  test.fail_without_changes: []
chg:
  test.succeed_with_changes: []
quiet:
  test.succeed_without_changes: []
w1:
  cmd.wait:
    - name: echo w1 >> @ROOT@/log
    - watch_any:
      - test: bad
      - test: chg
w2:
  cmd.wait:
    - name: echo w2 >> @ROOT@/log
    - watch_any:
      - test: bad
      - test: quiet
w3:
  cmd.wait:
    - name: echo w3 >> @ROOT@/log
    - watch_any:
      - test: bad
