
bad:
  test.fail_without_changes: []
good:
  test.succeed_with_changes: []
same:
  test.succeed_without_changes: []
o1:
  test.nop:
    - onchanges_any: [test: bad, test: good]
o2:
  test.nop:
    - onchanges_any: [test: same, test: bad]
o3:
  test.nop:
    - onchanges: [test: good, test: same]
o4:
  test.nop:
    - onchanges: [test: good, test: bad]
