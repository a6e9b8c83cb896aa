include: [b]
c:
  test.succeed_with_changes: []
extend:
  w:
    cmd:
      - watch:
        - test: c
