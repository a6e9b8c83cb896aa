
web-service:
  cmd.wait:
    - name: echo restart >> @ROOT@/log
