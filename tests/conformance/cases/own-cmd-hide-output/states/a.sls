a:
  cmd.run:
    - name: echo secret
    - hide_output: True
b:
  cmd.run:
    - name: echo x
    - output_loglevel: quiet
c:
  cmd.run:
    - name: exit 3
    - ignore_retcode: True
d:
  cmd.run:
    - name: exit 3
    - quiet: True
