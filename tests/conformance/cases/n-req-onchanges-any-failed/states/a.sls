chg:
  test.succeed_with_changes: []
bad:
  test.fail_without_changes: []
badchg:
  test.fail_with_changes: []
quiet:
  test.succeed_without_changes: []
a:
  test.nop:
    - onchanges_any:
      - test: chg
      - test: bad
b:
  test.nop:
    - onchanges_any:
      - test: quiet
      - test: bad
c:
  test.nop:
    - onchanges_any:
      - test: quiet
      - test: badchg
d:
  test.nop:
    - onchanges_any:
      - test: badchg
      - test: bad
e:
  test.nop:
    - onchanges_any:
      - test: quiet
      - test: ghost
