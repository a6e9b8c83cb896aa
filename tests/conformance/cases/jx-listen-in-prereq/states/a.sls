a:
  test.succeed_with_changes:
    - prereq: [test: b]
    - listen_in: [cmd: c]
b:
  test.succeed_with_changes:
    - listen_in: [cmd: d]
c:
  cmd.wait:
    - name: echo c
d:
  cmd.wait:
    - name: echo d
    - require: [cmd: c]
