last:
  test.nop:
    - order: last
first:
  test.fail_without_changes:
    - order: 1
    - failhard: True
mid: test.nop
