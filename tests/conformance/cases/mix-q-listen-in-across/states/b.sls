l:
  cmd.wait:
    - name: echo l >> @ROOT@/log
