a:
  test.succeed_with_changes:
    - prereq: [test: b]
b:
  test.succeed_with_changes:
    - prereq: [test: c]
c:
  test.succeed_with_changes
d:
  test.succeed_with_changes:
    - prereq: [test: e, test: c]
e:
  test.succeed_without_changes
f:
  test.succeed_with_changes:
    - prereq:
      - test: a
