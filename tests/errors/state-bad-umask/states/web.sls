web:
  cmd.run:
    - name: 'true'
    - umask: rwx
