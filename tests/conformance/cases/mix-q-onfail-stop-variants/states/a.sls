
a:
  test.fail_without_changes: []
h:
  test.succeed_without_changes:
    - onfail: [test: a]
    - onfail_stop: False
n1:
  test.nop:
    - require: [test: h]
h2:
  test.fail_without_changes:
    - onfail: [test: a]
n2:
  test.nop:
    - onfail: [test: h2]
