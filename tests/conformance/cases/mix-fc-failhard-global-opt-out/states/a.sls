
x:
  test.fail_without_changes:
    - failhard: False
y:
  test.nop: []
z:
  test.fail_without_changes: []
q:
  test.nop: []
