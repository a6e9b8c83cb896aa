ok:
  test.succeed_without_changes:
    - onfail_all_in:
      - test: t-all
      - cmd: t-cmd
chg:
  test.succeed_with_changes:
    - onfail_all_in:
      - test: t-all
      - cmd: t-cmd
bad:
  test.fail_without_changes:
    - onfail_all_in:
      - test: t-all
badchg:
  test.fail_with_changes:
    - onfail_all_in:
      - test: t-all
      - cmd: t-cmd
t-all:
  test.succeed_with_changes
t-cmd:
  cmd.run:
    - name: echo x >> @ROOT@/log
