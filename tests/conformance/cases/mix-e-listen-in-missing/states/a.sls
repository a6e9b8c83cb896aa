a:
  test.succeed_with_changes:
    - listen_in: [test: zz]
