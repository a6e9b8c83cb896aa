
s1:
  test.succeed_with_changes:
    - listen_in: [cmd: z, cmd: y]
s2:
  test.succeed_with_changes:
    - listen_in: [cmd: z]
y:
  cmd.wait:
    - name: echo y >> @ROOT@/log
z:
  cmd.wait:
    - name: echo z >> @ROOT@/log
