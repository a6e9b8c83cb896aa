t1:
  test.succeed_without_changes: []
t2:
  test.succeed_with_changes: []
p:
  test.succeed_with_changes:
    - prereq:
      - test: t1
      - test: t2
