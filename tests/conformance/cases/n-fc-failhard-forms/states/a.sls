a:
  test.fail_without_changes:
    - failhard: False
b:
  test.nop
c:
  test.fail_without_changes:
    - failhard: 'False'
d:
  test.nop
