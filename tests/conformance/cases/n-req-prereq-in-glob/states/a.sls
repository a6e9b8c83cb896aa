p:
  test.succeed_with_changes:
    - prereq:
      - test: t*
t1:
  test.succeed_with_changes: []
t2:
  test.succeed_without_changes: []
q:
  test.succeed_with_changes:
    - prereq:
      - t1
