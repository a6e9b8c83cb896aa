restart:
  cmd.wait:
    - name: 'true'
