a:
  test.succeed_with_changes:
    - require_in: [test: z]
    - watch_in: [test: y]
    - onchanges_in: [test: x]
    - listen_in: [test: w]
    - onfail_in: [test: v]
    - use_in: [test: u]
    - prereq_in: [test: t]
b:
  test.succeed_without_changes:
    - onchanges_in: x
    - require_in:
        - z
z:
  test.nop
y:
  test.succeed_without_changes
x:
  test.nop
w:
  test.succeed_without_changes
v:
  test.nop
u:
  test.nop
t:
  test.succeed_with_changes
