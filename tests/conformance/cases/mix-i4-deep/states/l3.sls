s3:
  test.succeed_with_changes: []
