c:
  test.succeed_with_changes: []
n:
  test.nop: []
o:
  test.nop:
    - onchanges:
      - test: c
o2:
  test.succeed_with_changes:
    - onchanges:
      - test: n
w:
  test.nop:
    - watch:
      - test: c
r:
  test.nop:
    - require:
      - test: c
f:
  test.succeed_with_changes:
    - onfail:
      - test: c
fa:
  test.succeed_with_changes:
    - onfail_any:
      - test: n
