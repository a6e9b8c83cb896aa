
a:
  salt.state:
    - tgt: '*'
    - sls: inner
b:
  salt.state:
    - tgt: 'lab-minion'
    - tgt_type: list
    - sls: [inner, quiet]
c:
  salt.state:
    - tgt: 'nothere'
    - sls: inner
d:
  salt.state:
    - tgt: '*'
    - sls: bad
e:
  salt.state:
    - tgt: '*'
    - sls: quiet
    - require: [salt: d]
f:
  salt.state:
    - tgt: '*'
    - sls: quiet
    - onfail: [salt: d]
g:
  salt.state:
    - tgt: 'G@id:lab-minion'
    - tgt_type: compound
    - sls: quiet
    - pillar: {x: 1}
    - concurrent: True
