chg:
  test.succeed_with_changes: []
nochg:
  test.succeed_without_changes: []
w1:
  cmd.wait:
    - name: echo w1 >> @ROOT@/log
    - watch:
      - test: chg
w2:
  cmd.wait:
    - name: echo w2 >> @ROOT@/log
    - watch:
      - test: nochg
w3:
  cmd.wait:
    - name: echo w3 >> @ROOT@/log
w4:
  cmd.wait:
    - name: exit 1
    - watch:
      - test: chg
w5:
  cmd.wait:
    - name: echo w5 >> @ROOT@/log
    - cwd: @ROOT@
    - env:
      - X: y
    - onchanges:
      - test: chg
