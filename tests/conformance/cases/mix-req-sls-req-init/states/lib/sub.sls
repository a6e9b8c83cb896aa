
s:
  test.succeed_with_changes: []
