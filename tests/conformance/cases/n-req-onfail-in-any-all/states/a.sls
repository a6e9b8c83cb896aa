h:
  test.succeed_with_changes: []
bad:
  test.fail_without_changes:
    - onfail_any_in:
      - test: h
good:
  test.nop:
    - onfail_any_in:
      - test: h
