web:
  cmd.run:
    - name: echo bell
