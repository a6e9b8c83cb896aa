a:
  test.configurable_test_state:
    - changes: True
    - result: False
b:
  test.configurable_test_state:
    - changes: False
    - result: True
    - comment: hello
c:
  test.configurable_test_state:
    - changes: nope
d:
  test.configurable_test_state:
    - result: nope
e:
  test.configurable_test_state:
    - changes:
        x: 1
f:
  test.show_notification:
    - text: hi
g:
  test.show_notification:
    - name: only
h:
  test.check_pillar:
    - present: x
    - integer: i
    - string: [s]
    - listing: [l]
    - dictionary: d
    - boolean: b
i:
  test.check_pillar:
    - present: [nope]
j:
  test.check_pillar:
    - integer: [s]
k:
  test.check_pillar:
    - present: 'd:k'
l:
  test.succeed_with_changes:
    - watch:
      - test: a
m:
  test.configurable_test_state:
    - warnings: careful
n:
  test.nop:
    - anything: goes
p:
  test.configurable_test_state:
    - allow_test_mode_failure: False
    - result: True
    - changes: False
