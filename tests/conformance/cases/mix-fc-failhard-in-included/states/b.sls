x:
  test.fail_without_changes:
    - failhard: True
y:
  test.nop: []
