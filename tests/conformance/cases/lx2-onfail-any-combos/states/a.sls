ok:
  test.succeed_without_changes:
    - name: n-ok
chg:
  test.succeed_with_changes:
    - name: n-chg
bad:
  test.fail_without_changes:
    - name: n-bad
badchg:
  test.fail_with_changes:
    - name: n-badchg
d1-test:
  test.succeed_with_changes:
    - name: dd1
    - onfail_any:
      - test: ok
      - test: chg
d1-cmd:
  cmd.run:
    - name: echo 1 >> @ROOT@/log
    - onfail_any:
      - test: ok
      - test: chg
d2-test:
  test.succeed_with_changes:
    - name: dd2
    - onfail_any:
      - test: ok
      - test: bad
d2-cmd:
  cmd.run:
    - name: echo 2 >> @ROOT@/log
    - onfail_any:
      - test: ok
      - test: bad
d3-test:
  test.succeed_with_changes:
    - name: dd3
    - onfail_any:
      - test: chg
      - test: bad
d3-cmd:
  cmd.run:
    - name: echo 3 >> @ROOT@/log
    - onfail_any:
      - test: chg
      - test: bad
d4-test:
  test.succeed_with_changes:
    - name: dd4
    - onfail_any:
      - test: bad
      - test: badchg
d4-cmd:
  cmd.run:
    - name: echo 4 >> @ROOT@/log
    - onfail_any:
      - test: bad
      - test: badchg
d5-test:
  test.succeed_with_changes:
    - name: dd5
    - onfail_any:
      - test: badchg
      - test: ok
d5-cmd:
  cmd.run:
    - name: echo 5 >> @ROOT@/log
    - onfail_any:
      - test: badchg
      - test: ok
d6-test:
  test.succeed_with_changes:
    - name: dd6
    - onfail_any:
      - test: ghost
      - test: ok
d6-cmd:
  cmd.run:
    - name: echo 6 >> @ROOT@/log
    - onfail_any:
      - test: ghost
      - test: ok
d7-test:
  test.succeed_with_changes:
    - name: dd7
    - onfail_any:
      - test: ghost
      - test: chg
d7-cmd:
  cmd.run:
    - name: echo 7 >> @ROOT@/log
    - onfail_any:
      - test: ghost
      - test: chg
d8-test:
  test.succeed_with_changes:
    - name: dd8
    - onfail_any:
      - test: ghost
      - test: bad
d8-cmd:
  cmd.run:
    - name: echo 8 >> @ROOT@/log
    - onfail_any:
      - test: ghost
      - test: bad
