one:
  salt.state:
    - tgt: '*'
    - sls:
      - s1
      - s2
two:
  salt.state:
    - tgt: 'nomatch*'
    - sls: s1
three:
  salt.state:
    - tgt: lab-minion
    - tgt_type: list
    - sls: s1
    - pillar: {x: 5}
six:
  salt.state:
    - tgt: '*'
    - highstate: True
seven:
  salt.state:
    - tgt: 'id:lab-minion'
    - tgt_type: grain
    - sls: s1
    - concurrent: True
    - require:
      - salt: one
