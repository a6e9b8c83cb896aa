
s:
  test.succeed_with_changes:
    - names: [s1, s2]
    - watch_in: [cmd: w]
    - onchanges_in: [test: o]
w:
  cmd.wait:
    - names: [echo w1 >> @ROOT@/log, echo w2 >> @ROOT@/log]
o:
  test.nop: []
