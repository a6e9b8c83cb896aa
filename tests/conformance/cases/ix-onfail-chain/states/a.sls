a:
  test.fail_without_changes
b:
  test.fail_with_changes:
    - onfail: [test: a]
c:
  test.nop:
    - onfail: [test: b]
d:
  test.nop:
    - onfail: [test: c]
e:
  test.nop:
    - require: [test: d]
f:
  test.nop:
    - onfail: [test: e]
g:
  test.nop:
    - require: [test: c]
    - onfail: [test: a]
