alpha:
  test.fail_without_changes:
    - name: beta
beta:
  test.succeed_with_changes:
    - name: gamma
r1:
  test.nop:
    - require:
      - test: beta
r2:
  test.nop:
    - onfail:
      - test: beta
r3:
  test.nop:
    - require:
      - test: gamma
r4:
  test.nop:
    - onchanges:
      - test: beta
