include: [b]
x:
  test.succeed_with_changes:
    - listen_in: [cmd: l]
    - require: [cmd: l]
