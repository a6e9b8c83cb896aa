s:
  salt.state:
    - tgt: '*'
    - sls: a
    - failhard: True
u: test.nop
