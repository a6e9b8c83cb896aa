
a:
  cmd.run:
    - name: echo x >> @ROOT@/n; false
    - retry: {attempts: "3", interval: 0}
