
a:
  cmd.run:
    - name: echo x >> @ROOT@/n; false
    - retry: {attempts: 2, interval: 0, splay: 0}
    - failhard: True
b:
  test.nop: []
