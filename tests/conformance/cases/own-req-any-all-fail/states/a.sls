f1:
  test.fail_without_changes: []
f2:
  test.fail_with_changes: []
x:
  test.succeed_with_changes:
    - require_any:
      - test: f1
      - test: f2
y:
  test.succeed_with_changes:
    - require_any:
      - test: f1
      - test: x
z:
  test.succeed_with_changes:
    - require_any:
      - test: f2
      - test: g
g:
  test.nop: []
