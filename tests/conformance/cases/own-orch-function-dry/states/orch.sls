f:
  salt.function:
    - name: test.ping
    - tgt: '*'
s:
  salt.state:
    - tgt: '*'
    - sls: a
w:
  salt.wheel:
    - name: key.list_all
r:
  salt.runner:
    - name: test.arg
