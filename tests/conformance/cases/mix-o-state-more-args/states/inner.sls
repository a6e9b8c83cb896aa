i:
  test.succeed_with_changes: []
