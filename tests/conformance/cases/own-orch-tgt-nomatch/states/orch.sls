s:
  salt.state:
    - tgt: 'web*'
    - sls: a
f:
  salt.function:
    - name: test.ping
    - tgt: 'web*'
t: test.nop
