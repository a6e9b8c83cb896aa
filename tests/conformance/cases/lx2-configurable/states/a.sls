a:
  test.configurable_test_state:
    - comment: {a: 1}
b:
  test.configurable_test_state:
    - comment: 5
c:
  test.configurable_test_state:
    - result: null
d:
  test.show_notification:
    - text: ''
