step:
  salt.stat:
    - tgt: '*'
    - sls: [web]
