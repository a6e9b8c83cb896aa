s:
  salt.state:
    - tgt: '*'
    - sls: a
    - pillar: {k: v}
t:
  salt.state:
    - tgt: '*'
    - sls: a
    - failhard: True
u: test.nop
