src:
  test.succeed_with_changes:
    - watch_in:
      - test: w
    - onchanges_in:
      - test: o
    - onfail_in:
      - test: f
w:
  test.nop: []
o:
  test.nop: []
f:
  test.nop: []
early:
  test.succeed_with_changes:
    - prereq_in:
      - test: o
