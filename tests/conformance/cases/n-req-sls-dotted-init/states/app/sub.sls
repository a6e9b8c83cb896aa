as:
  test.succeed_with_changes: []
