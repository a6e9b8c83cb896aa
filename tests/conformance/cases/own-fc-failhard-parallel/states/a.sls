a:
  cmd.run:
    - name: exit 1
    - parallel: True
    - failhard: True
b:
  test.nop
c:
  test.nop:
    - require:
      - cmd: a
