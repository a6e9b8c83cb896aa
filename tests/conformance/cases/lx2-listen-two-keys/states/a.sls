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
x:
  test.succeed_with_changes:
    - listen:
      - test: chg
        cmd: ok
after:
  test.nop
