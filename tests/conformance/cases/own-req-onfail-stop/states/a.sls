bad:
  test.fail_without_changes: []
h:
  test.succeed_with_changes:
    - onfail:
      - test: bad
    - onfail_stop: False
after:
  test.nop:
    - require:
      - test: h
