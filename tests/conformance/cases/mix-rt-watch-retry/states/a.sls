
s:
  test.succeed_with_changes: []
w:
  cmd.wait:
    - name: echo x >> @ROOT@/w; test $(wc -l < @ROOT@/w) -ge 2
    - retry: {attempts: 3, interval: 0}
    - watch: [test: s]
