w:
  cmd.wait:
    - name: echo w >> @ROOT@/log
    - watch: [test: s]
s:
  test.nop: []
