step1:
  salt.state:
    - tgt: '*'
    - sls: a
