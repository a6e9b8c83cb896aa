
bad:
  test.fail_without_changes:
    - names: [x, y]
good:
  test.succeed_without_changes: []
h:
  test.nop:
    - onfail: [test: y, test: good]
