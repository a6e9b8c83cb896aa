
s:
  salt.state:
    - tgt: '*'
    - sls: chg
q:
  salt.state:
    - tgt: '*'
    - sls: ok
    - onchanges: [salt: s]
r:
  salt.state:
    - tgt: '*'
    - sls: ok
    - onchanges: [salt: q]
w:
  test.nop:
    - watch: [salt: s]
