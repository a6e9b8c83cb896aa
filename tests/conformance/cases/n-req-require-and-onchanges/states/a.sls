chg:
  test.succeed_with_changes: []
bad:
  test.fail_without_changes: []
quiet:
  test.succeed_without_changes: []
a:
  test.nop:
    - require:
      - test: bad
    - onchanges:
      - test: quiet
b:
  test.nop:
    - require:
      - test: quiet
    - onchanges:
      - test: chg
c:
  test.nop:
    - require:
      - test: bad
    - onchanges:
      - test: chg
d:
  test.nop:
    - watch:
      - test: chg
    - onchanges:
      - test: quiet
e:
  test.nop:
    - onfail:
      - test: bad
    - onchanges:
      - test: quiet
f:
  test.nop:
    - onfail:
      - test: quiet
    - onchanges:
      - test: chg
g:
  test.succeed_with_changes:
    - onfail:
      - test: bad
    - onchanges:
      - test: chg
