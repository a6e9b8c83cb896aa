web:
  cmd.run_all:
    - name: 'true'
