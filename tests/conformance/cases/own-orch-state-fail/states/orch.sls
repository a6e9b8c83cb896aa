s:
  salt.state:
    - tgt: '*'
    - sls: a
t:
  salt.state:
    - tgt: '*'
    - sls: ghost
u:
  test.nop:
    - require:
      - salt: s
v:
  test.nop:
    - onfail:
      - salt: s
w:
  test.nop:
    - onchanges:
      - salt: s
