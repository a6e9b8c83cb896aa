c:
  test.succeed_with_changes: []
w:
  test.nop:
    - result: False
    - comment: no
    - watch:
      - test: c
after:
  test.nop:
    - require:
      - test: w
