include: [b]
extend:
  f:
    file:
      - contents: extended
      - require:
        - test: pre2
pre2:
  test.succeed_with_changes: []
