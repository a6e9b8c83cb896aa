
bad:
  test.fail_without_changes: []
good:
  test.succeed_without_changes: []
r1:
  test.nop:
    - require_any: [test: bad, test: good]
r2:
  test.nop:
    - require_any: [test: bad]
r3:
  test.nop:
    - require_any: [test: nope, test: good]
