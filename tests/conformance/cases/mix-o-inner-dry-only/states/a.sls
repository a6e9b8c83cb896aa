x:
  salt.state:
    - tgt: "*"
    - sls: inner
    - test: true
y:
  salt.state:
    - tgt: "*"
    - sls: inner
