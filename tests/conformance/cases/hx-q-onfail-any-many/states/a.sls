ok1: {test: [succeed_without_changes]}
ok2: {test: [succeed_with_changes]}
bad1: {test: [fail_without_changes]}
bad2: {test: [fail_with_changes]}
blocked:
  test.nop:
    - require:
      - test: bad1
skipped:
  test.nop:
    - onlyif: 'false'
h_any_all_bad:
  test.nop:
    - onfail_any:
      - test: bad1
      - test: bad2
h_any_one:
  test.nop:
    - onfail_any:
      - test: ok1
      - test: blocked
h_any_none:
  test.nop:
    - onfail_any:
      - test: ok1
      - test: skipped
h_all_mixed:
  test.nop:
    - onfail_all:
      - test: bad1
      - test: ok2
h_all_bad:
  test.nop:
    - onfail_all:
      - test: bad1
      - test: blocked
h_plain_mixed:
  test.nop:
    - onfail:
      - test: ok1
      - test: bad2
      - test: skipped
h_with_req:
  test.nop:
    - onfail:
      - test: bad1
    - require:
      - test: ok1
h_with_bad_req:
  test.nop:
    - onfail:
      - test: bad1
    - require:
      - test: bad2
h_of_h:
  test.nop:
    - onfail:
      - test: h_with_bad_req
h_skip_chain:
  test.nop:
    - require:
      - test: h_any_none
