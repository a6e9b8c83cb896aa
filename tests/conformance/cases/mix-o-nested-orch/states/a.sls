x:
  salt.state:
    - tgt: "*"
    - sls: mid
