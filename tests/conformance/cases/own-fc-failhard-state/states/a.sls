one:
  test.succeed_with_changes: []
two:
  test.fail_without_changes:
    - failhard: True
three:
  test.nop
four:
  test.nop:
    - onfail:
      - test: two
