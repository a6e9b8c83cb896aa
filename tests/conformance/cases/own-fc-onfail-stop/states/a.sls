bad:
  test.fail_without_changes
h:
  test.nop:
    - onfail:
      - test: bad
    - onfail_stop: False
n:
  test.nop:
    - require:
      - test: h
g:
  test.nop:
    - onfail:
      - test: bad
m:
  test.nop:
    - require:
      - test: g
