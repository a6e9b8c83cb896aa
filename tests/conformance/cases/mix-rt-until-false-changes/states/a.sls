
a:
  cmd.run:
    - name: echo x >> @ROOT@/n; test $(wc -l < @ROOT@/n) -ge 2
    - retry: {attempts: 4, interval: 0, until: False}
b:
  test.succeed_with_changes:
    - onchanges: [cmd: a]
