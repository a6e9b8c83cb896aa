b1:
  test.succeed_with_changes: []
b2:
  test.succeed_without_changes: []
