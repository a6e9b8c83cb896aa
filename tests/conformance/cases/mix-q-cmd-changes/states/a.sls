
a:
  cmd.run:
    - name: "exit 1"
b:
  test.nop:
    - onchanges: [cmd: a]
c:
  cmd.run:
    - name: "true"
    - stateful: True
d:
  test.nop:
    - onchanges: [cmd: c]
e:
  cmd.run:
    - name: echo "changed=no"
    - stateful: True
f:
  cmd.wait:
    - name: echo f >> @ROOT@/log
    - watch: [cmd: e, cmd: c]
