x:
  cmd.run:
    - name: "true"
