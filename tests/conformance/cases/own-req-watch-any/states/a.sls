c:
  test.succeed_with_changes: []
n:
  test.nop: []
f:
  test.fail_with_changes: []
w1:
  test.nop:
    - watch_any:
      - test: c
      - test: f
w2:
  test.nop:
    - watch_any:
      - test: n
      - test: f
w3:
  test.nop:
    - watch_any:
      - test: f
w4:
  cmd.wait:
    - name: echo w4 >> @ROOT@/log
    - watch_any:
      - test: n
      - test: c
w5:
  file.managed:
    - name: @ROOT@/w5
    - contents: x
    - watch_any:
      - test: f
      - test: c
