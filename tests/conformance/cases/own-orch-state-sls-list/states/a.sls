a:
  cmd.run:
    - name: echo a >> @ROOT@/log
