step:
  salt.state:
    - tgt: '*'
