
a1:
  test.succeed_without_changes: []
a2:
  test.fail_without_changes: []
any:
  test.nop:
    - onfail_any: [test: a1, test: a2]
all:
  test.nop:
    - onfail_all: [test: a1, test: a2]
stop:
  test.nop:
    - onfail: [test: a1]
    - onfail_stop: False
dep:
  test.nop:
    - require: [test: stop]
