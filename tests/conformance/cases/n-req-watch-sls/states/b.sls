include:
  - c
b1:
  test.succeed_with_changes: []
b2:
  test.fail_without_changes: []
