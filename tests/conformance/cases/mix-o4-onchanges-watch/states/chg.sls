c:
  test.succeed_with_changes: []
