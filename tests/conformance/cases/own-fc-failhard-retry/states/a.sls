a:
  cmd.run:
    - name: echo x >> @ROOT@/log; test $(wc -l < @ROOT@/log) -ge 2
    - retry: {attempts: 3, interval: 0}
b:
  test.nop
