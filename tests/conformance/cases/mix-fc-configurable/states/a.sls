
a:
  test.configurable_test_state:
    - changes: True
    - result: True
b:
  test.configurable_test_state:
    - changes: False
    - result: False
    - comment: cc
c:
  test.configurable_test_state:
    - changes: {{ '{' }}a: 1{{ '}' }}
    - result: True
    - warnings: [w1]
d:
  test.configurable_test_state:
    - changes: bogus
e:
  test.configurable_test_state:
    - result: bogus
f:
  test.check_pillar:
    - present: [k]
    - integer: [n]
    - string: [k]
    - boolean: [b]
    - listing: [l]
    - dictionary: [d]
g:
  test.check_pillar:
    - present: [zz]
h:
  test.check_pillar:
    - integer: k
i:
  test.show_notification:
    - text: hello
j:
  test.show_notification: []
l:
  test.nop:
    - unknown_arg: 5
m:
  test.succeed_with_changes:
    - name: named
