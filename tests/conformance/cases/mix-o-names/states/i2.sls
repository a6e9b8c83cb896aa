b:
  test.succeed_with_changes: []
