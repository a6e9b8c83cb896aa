
s:
  test.succeed_with_changes:
    - listen_in: [test: bad]
bad:
  test.fail_without_changes: []
h:
  test.nop:
    - onfail: [test: bad]
