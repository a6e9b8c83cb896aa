s:
  test.succeed_with_changes:
    - onlyif: 'false'
n:
  test.nop: []
sk:
  test.succeed_with_changes:
    - onchanges:
      - test: n
f:
  test.fail_without_changes: []
a1:
  test.nop:
    - require_any:
      - test: s
a2:
  test.nop:
    - require_any:
      - test: sk
      - test: f
a3:
  test.nop:
    - require_any:
      - test: s
      - test: f
