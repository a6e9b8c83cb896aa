s:
  test.succeed_with_changes
a:
  cmd.wait:
    - name: exit 2
    - listen:
      - test: s
b:
  cmd.wait:
    - name: echo b >> @ROOT@/log
    - listen:
      - test: s
