x:
  test.fail_without_changes:
    - unless: echo ask >> @ROOT@/asked
    - retry: {attempts: 3, interval: 0}
