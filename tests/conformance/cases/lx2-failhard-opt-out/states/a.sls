a:
  test.fail_with_changes:
    - failhard: False
    - listen_in:
      - cmd: l
b:
  test.nop:
    - onfail:
      - test: a
c:
  test.nop:
    - require:
      - test: a
    - failhard: False
d:
  test.nop
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
    - order: 1
