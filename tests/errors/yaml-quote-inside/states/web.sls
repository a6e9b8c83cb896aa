web:
  cmd.run:
    - name: 'echo 'x' y'
