m:
  salt.state:
    - tgt: "*"
    - sls: leaf
