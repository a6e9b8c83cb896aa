x:
  test.fail_without_changes:
    - retry: {attempts: 2, interval: 0}
h:
  test.nop:
    - onfail:
      - test: x
oc:
  test.nop:
    - onchanges:
      - test: x
