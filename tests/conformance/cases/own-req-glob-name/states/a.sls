z1:
  test.nop:
    - require:
      - test: s[12]
z2:
  test.nop:
    - require:
      - test: s?
z3:
  test.nop:
    - require:
      - test: n-*
s1:
  test.nop: []
s2:
  test.fail_without_changes: []
s3:
  test.nop:
    - name: n-three
