chg:
  test.succeed_with_changes: []
r:
  cmd.run:
    - name: echo r >> @ROOT@/log
    - watch:
      - test: chg
s:
  cmd.run:
    - name: echo s >> @ROOT@/log; echo "changed=no"
    - stateful: True
    - watch:
      - test: chg
