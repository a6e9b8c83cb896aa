
s:
  test.succeed_with_changes: []
w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - unless: "true"
    - watch: [test: s]
w2:
  cmd.wait:
    - name: echo w2 >> @ROOT@/log
    - onlyif: "true"
    - watch: [test: s]
w3:
  cmd.run:
    - name: echo w3 >> @ROOT@/log
    - creates: @ROOT@/
    - watch: [test: s]
w4:
  test.nop:
    - watch: [cmd: w]
