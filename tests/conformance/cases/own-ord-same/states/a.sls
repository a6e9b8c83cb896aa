w:
  test.succeed_without_changes:
    - order: 10
v:
  test.nop:
    - order: 10
    - name: zz
u:
  cmd.run:
    - name: 'true'
    - order: 10
t:
  test.nop:
    - order: 10
    - name: aa
