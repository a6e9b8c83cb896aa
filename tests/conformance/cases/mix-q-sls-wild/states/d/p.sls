p:
  test.succeed_with_changes: []
