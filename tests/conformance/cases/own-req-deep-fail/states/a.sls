a1:
  test.fail_without_changes: []
b1:
  test.nop:
    - require:
      - test: a1
c1:
  test.nop:
    - watch:
      - test: b1
d1:
  test.nop:
    - onchanges:
      - test: c1
e1:
  test.nop:
    - onfail:
      - test: d1
