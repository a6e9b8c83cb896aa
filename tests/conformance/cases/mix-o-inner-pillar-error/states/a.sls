x:
  salt.state:
    - tgt: "*"
    - sls: inner
y:
  test.nop:
    - require: [salt: x]
