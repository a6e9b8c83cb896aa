
a:
  test.fail_without_changes: []
b:
  test.nop:
    - require: [test: a]
c:
  test.nop:
    - onfail: [test: b]
d:
  test.nop:
    - onfail_any: [test: c, test: b]
e:
  test.nop:
    - onfail_all: [test: a, test: b]
