b:
  test.fail_with_changes: []
