
ok1:
  test.succeed_with_changes: []
ok2:
  test.succeed_without_changes: []
bad:
  test.fail_without_changes: []
a:
  test.nop:
    - require: [test: ok2]
    - require_any: [test: bad, test: ok1]
    - onchanges_any: [test: ok2, test: ok1]
b:
  test.nop:
    - require: [test: bad]
    - onchanges_any: [test: ok1]
c:
  test.nop:
    - watch_any: [test: bad]
    - onfail_any: [test: bad]
d:
  test.nop:
    - require_any: []
