q:
  test.fail_without_changes: []
