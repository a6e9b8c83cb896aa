a:
  cmd.wait:
    - name: echo a >> @ROOT@/log
    - listen:
      - test: s2
b:
  cmd.wait:
    - name: echo b >> @ROOT@/log
    - listen:
      - test: s1
      - test: s2
s1:
  test.succeed_with_changes:
    - listen_in:
      - cmd: c
s2:
  test.succeed_with_changes:
    - order: 1
c:
  cmd.wait:
    - name: echo c >> @ROOT@/log
