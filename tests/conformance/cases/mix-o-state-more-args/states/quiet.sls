q:
  test.succeed_without_changes: []
