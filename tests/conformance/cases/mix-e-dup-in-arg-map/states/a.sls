a:
  test.configurable_test_state:
    - changes: {x: 1, x: 2}
