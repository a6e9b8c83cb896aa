
d:
  salt.state:
    - tgt: '*'
    - sls: bad
e:
  salt.state:
    - tgt: '*'
    - sls: nosuchsls
f:
  salt.state:
    - sls: x
