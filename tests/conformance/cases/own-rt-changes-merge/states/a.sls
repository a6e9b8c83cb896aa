x:
  test.configurable_test_state:
    - changes: True
    - result: False
    - retry: {attempts: 2, interval: 0}
y:
  test.nop:
    - onchanges_any:
      - test: x
