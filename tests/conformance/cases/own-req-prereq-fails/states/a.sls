late:
  test.fail_without_changes: []
early:
  test.succeed_with_changes:
    - prereq:
      - test: late
last:
  test.nop:
    - require:
      - test: early
