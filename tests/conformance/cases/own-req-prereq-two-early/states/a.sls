e1:
  test.succeed_with_changes:
    - prereq:
      - test: late
late:
  test.succeed_with_changes: []
e2:
  test.succeed_without_changes:
    - prereq:
      - test: late
