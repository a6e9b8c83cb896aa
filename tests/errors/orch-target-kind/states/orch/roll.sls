step:
  salt.function:
    - name: test.ping
    - tgt: 'os:Debian'
    - tgt_type: garin
