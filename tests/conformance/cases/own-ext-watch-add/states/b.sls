w:
  cmd.wait:
    - name: echo fired >> @ROOT@/log
