z:
  cmd.wait:
    - name: echo z >> @ROOT@/log
a:
  cmd.wait:
    - name: echo a >> @ROOT@/log
m:
  cmd.wait:
    - name: echo m >> @ROOT@/log
    - listen:
      - test: c2
c1:
  test.succeed_with_changes:
    - listen_in:
      - cmd: z
      - cmd: a
c2:
  test.succeed_with_changes:
    - listen_in:
      - cmd: a
