a:
  cmd.run:
    - name: echo a >> @ROOT@/log; false
    - failhard: True
    - retry:
        attempts: 2
        interval: 0
    - order: 2
z:
  test.nop
b:
  test.nop:
    - order: 1
