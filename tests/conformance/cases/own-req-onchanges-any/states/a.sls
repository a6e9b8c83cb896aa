c:
  test.succeed_with_changes: []
n:
  test.nop: []
f:
  test.fail_without_changes: []
fc:
  test.fail_with_changes: []
o1:
  test.nop:
    - onchanges_any:
      - test: c
      - test: f
o2:
  test.nop:
    - onchanges_any:
      - test: n
      - test: f
o3:
  test.nop:
    - onchanges_any:
      - test: fc
o4:
  test.nop:
    - onchanges_any:
      - test: n
      - test: n2
n2:
  test.nop: []
o5:
  test.nop:
    - onchanges:
      - test: fc
