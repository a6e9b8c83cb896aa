
bad:
  test.fail_with_changes: []
h:
  test.succeed_with_changes:
    - onfail: [test: bad]
    - require: [test: bad]
h2:
  test.nop:
    - onchanges: [test: h]
