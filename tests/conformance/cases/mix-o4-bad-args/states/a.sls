
a:
  salt.state:
    - sls: ok
b:
  salt.state:
    - tgt: '*'
    - sls: ok
    - highstate: True
c:
  salt.state:
    - tgt: '*'
    - sls: []
d:
  salt.state:
    - tgt: '*'
    - sls: ok
    - nosucharg: 1
e:
  salt.state:
    - tgt: 'E@['
    - tgt_type: compound
    - sls: ok
f:
  salt.state:
    - tgt: '*'
    - sls: ok
    - pillar: notamap
