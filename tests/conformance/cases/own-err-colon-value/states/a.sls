x:
  cmd.run:
    - name: echo a: b
