
bad:
  test.fail_without_changes: []
h1:
  test.fail_without_changes:
    - onfail: [test: bad]
h2:
  test.succeed_with_changes:
    - onfail: [test: h1]
h3:
  test.nop:
    - onfail: [test: h2]
h4:
  test.nop:
    - require: [test: h2]
