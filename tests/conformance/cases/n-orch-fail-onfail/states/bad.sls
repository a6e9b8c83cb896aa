x:
  test.fail_without_changes
y:
  test.succeed_with_changes
