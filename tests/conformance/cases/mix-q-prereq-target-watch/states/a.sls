
s:
  test.succeed_with_changes: []
t:
  cmd.wait:
    - name: echo t >> @ROOT@/log
    - watch: [test: s]
p:
  cmd.run:
    - name: echo p >> @ROOT@/log
    - prereq: [cmd: t]
