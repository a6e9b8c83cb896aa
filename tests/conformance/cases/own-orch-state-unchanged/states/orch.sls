s:
  salt.state:
    - tgt: '*'
    - sls: a
w:
  test.nop:
    - onchanges:
      - salt: s
