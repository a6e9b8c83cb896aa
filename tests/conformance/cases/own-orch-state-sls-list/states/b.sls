b:
  cmd.run:
    - name: echo b >> @ROOT@/log
