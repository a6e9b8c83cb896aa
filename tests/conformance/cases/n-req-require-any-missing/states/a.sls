ok:
  test.succeed_without_changes: []
bad:
  test.fail_without_changes: []
x:
  test.nop:
    - require_any:
      - test: ghost
      - test: ok
y:
  test.nop:
    - require_any:
      - test: bad
      - test: ghost
z:
  test.nop:
    - watch_any:
      - test: ghost
      - test: ok
