bad:
  test.fail_without_changes: []
ok:
  test.nop: []
chg:
  test.succeed_with_changes: []
h1:
  test.succeed_with_changes:
    - onfail:
      - test: bad
    - onchanges:
      - test: chg
h2:
  test.succeed_with_changes:
    - onfail:
      - test: ok
    - onchanges:
      - test: chg
h3:
  test.succeed_with_changes:
    - onfail:
      - test: bad
    - onchanges:
      - test: ok
h4:
  test.nop:
    - onfail:
      - test: ok
    - watch:
      - test: chg
h5:
  test.nop:
    - onfail:
      - test: bad
    - watch:
      - test: chg
