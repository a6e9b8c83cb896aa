web-1:
  test.succeed_with_changes
web-2:
  test.succeed_without_changes
web_x:
  test.fail_without_changes
all:
  test.nop:
    - require: [test: 'web-*']
one:
  test.nop:
    - onchanges: [test: 'web-[12]']
q:
  test.nop:
    - require: [test: 'web?*']
none:
  test.nop:
    - require: [test: 'db-*']
bare:
  test.nop:
    - require: ['web-*']
neg:
  test.nop:
    - require: [test: 'web-[!2]']
