s:
  salt.state:
    - tgt: '*'
    - sls: [a, b]
t:
  salt.state:
    - tgt: '*'
    - sls:
      - a
    - require:
      - salt: s
