c:
  cmd.run:
    - name: grep -q v3 @ROOT@/app
