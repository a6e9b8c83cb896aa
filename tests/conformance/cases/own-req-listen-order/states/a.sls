z:
  cmd.wait:
    - name: echo z >> @ROOT@/log
    - listen:
      - test: c2
y:
  cmd.wait:
    - name: echo y >> @ROOT@/log
    - listen:
      - test: c1
c1:
  test.succeed_with_changes:
    - listen_in:
      - cmd: x
c2:
  test.succeed_with_changes: []
x:
  cmd.wait:
    - name: echo x >> @ROOT@/log
