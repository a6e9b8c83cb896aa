i:
  test.succeed_without_changes: []
