x:
  salt.state:
    - names:
      - one:
        - sls: i1
      - two:
        - sls: i2
    - tgt: "*"
