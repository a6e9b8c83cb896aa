s:
  salt.state:
    - tgt: '*'
    - sls: a
t: test.nop
