a:
  test.fail_with_changes:
    - failhard: True
    - onfail_in:
      - test: rescue
    - listen_in:
      - cmd: l
rescue:
  test.succeed_with_changes
l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
