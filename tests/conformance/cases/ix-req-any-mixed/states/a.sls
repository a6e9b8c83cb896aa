bad:
  test.fail_without_changes
good:
  test.succeed_with_changes
same:
  test.succeed_without_changes
ra:
  test.nop:
    - require_any: [test: bad, test: same]
oca:
  test.nop:
    - onchanges_any: [test: same, test: good, test: bad]
ofa:
  test.nop:
    - onfail_any: [test: good, test: bad]
ofall:
  test.nop:
    - onfail_all: [test: good, test: bad]
rboth:
  test.nop:
    - require: [test: same]
    - require_any: [test: bad]
ofreq:
  test.nop:
    - onfail: [test: bad]
    - require: [test: same]
ofonch:
  test.nop:
    - onfail: [test: bad]
    - onchanges: [test: same]
ofwatch:
  test.nop:
    - onfail_any: [test: nothere, test: bad]
