bad:
  test.fail_without_changes:
    - onfail_all_in:
      - test: h
good:
  test.nop:
    - onfail_all_in:
      - test: h
h:
  test.succeed_with_changes: []
