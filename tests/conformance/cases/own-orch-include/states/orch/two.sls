step2:
  salt.state:
    - tgt: '*'
    - sls: a
    - require:
      - sls: orch.one
