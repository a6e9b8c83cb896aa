include: [d]
extend:
  w:
    cmd:
      - watch: [test: e]
e:
  test.succeed_with_changes: []
