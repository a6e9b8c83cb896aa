b1:
  test.succeed_with_changes
