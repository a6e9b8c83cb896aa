s:
  test.succeed_with_changes
a:
  cmd.wait:
    - name: exit 1
    - listen:
      - test: s
b:
  cmd.run:
    - name: echo b >> @ROOT@/log
    - onfail:
      - cmd: a
c:
  cmd.wait:
    - name: echo c >> @ROOT@/log
    - listen:
      - cmd: a
      - cmd: b
