
a:
  salt.state:
    - tgt: '*'
    - sls: [inner, bad]
    - exclude: bad
b:
  salt.state:
    - tgt: '*'
    - sls: [inner, bad]
    - exclude: [{id: b}]
c:
  salt.state:
    - tgt: '*'
    - sls: [inner, bad]
    - exclude: [bad]
