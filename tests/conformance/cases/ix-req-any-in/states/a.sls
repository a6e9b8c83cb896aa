a:
  test.fail_without_changes:
    - require_any_in: [test: z]
    - onfail_any_in: [test: f]
b:
  test.succeed_with_changes:
    - require_any_in: [test: z]
    - watch_any_in: [test: z2]
    - onchanges_any_in: [test: c]
z:
  test.nop
z2:
  test.nop
c:
  test.nop
f:
  test.nop
