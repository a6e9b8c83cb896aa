c:
  test.succeed_with_changes: []
w:
  test.nop:
    - require:
      - test: c
    - watch:
      - test: c
