a:
  test.fail_without_changes:
    - order: 1
b:
  test.fail_with_changes:
    - failhard: True
    - require: [test: c]
    - listen_in: [test: z]
c:
  test.succeed_with_changes:
    - listen_in: [test: d]
d:
  test.nop
z:
  test.nop
