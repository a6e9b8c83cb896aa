y:
  test.fail_without_changes:
    - failhard: True
z:
  test.nop
