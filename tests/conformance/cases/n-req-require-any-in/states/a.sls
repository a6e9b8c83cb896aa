h:
  test.succeed_with_changes: []
bad:
  test.fail_without_changes:
    - require_any_in:
      - test: h
good:
  test.nop:
    - require_any_in:
      - test: h
