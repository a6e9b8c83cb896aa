g:
  test.succeed_with_changes
