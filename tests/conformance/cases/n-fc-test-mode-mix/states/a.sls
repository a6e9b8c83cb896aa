a:
  test.succeed_with_changes
b:
  test.succeed_without_changes
c:
  test.fail_with_changes
d:
  test.fail_without_changes
e:
  test.nop:
    - onchanges:
      - test: a
f:
  test.succeed_with_changes:
    - onchanges:
      - test: b
g:
  test.succeed_with_changes:
    - require:
      - test: d
h:
  test.succeed_with_changes:
    - onfail:
      - test: d
i:
  test.configurable_test_state:
    - changes: True
    - result: True
j:
  test.configurable_test_state:
    - changes: False
    - result: False
k:
  test.configurable_test_state:
    - changes: Random
    - result: True
    - onlyif: 'false'
l:
  test.show_notification:
    - text: hi
m:
  test.check_pillar:
    - present: [x]
n:
  test.succeed_with_changes:
    - watch:
      - test: a
