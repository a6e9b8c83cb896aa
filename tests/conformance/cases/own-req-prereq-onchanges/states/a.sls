late:
  test.succeed_with_changes: []
early:
  test.succeed_with_changes:
    - prereq:
      - test: late
o1:
  test.nop:
    - onchanges:
      - test: early
o2:
  test.nop:
    - onchanges:
      - test: late
