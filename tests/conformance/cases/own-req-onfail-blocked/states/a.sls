bad:
  test.fail_without_changes: []
blocked:
  test.nop:
    - require:
      - test: bad
missing:
  test.nop:
    - require:
      - test: nowhere
h1:
  test.succeed_with_changes:
    - onfail:
      - test: blocked
h2:
  test.succeed_with_changes:
    - onfail:
      - test: missing
h3:
  test.succeed_with_changes:
    - onfail:
      - test: h1
