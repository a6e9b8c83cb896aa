s:
  salt.state:
    - sls: a
f:
  salt.function:
    - name: test.ping
g:
  test.nop
