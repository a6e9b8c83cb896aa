bad:
  test.fail_with_changes: []
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch:
      - test: bad
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - listen:
      - cmd: w
m:
  test.succeed_with_changes:
    - onfail:
      - cmd: w
    - listen_in:
      - cmd: l
