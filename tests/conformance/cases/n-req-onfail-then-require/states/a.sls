bad:
  test.fail_without_changes: []
fix:
  test.succeed_with_changes:
    - onfail:
      - test: bad
after-fix:
  test.nop:
    - require:
      - test: fix
    - onchanges:
      - test: fix
never:
  test.nop:
    - onfail:
      - test: fix
again:
  test.nop:
    - onfail:
      - test: never
