one:
  salt.state:
    - tgt: '*'
    - sls: bad
alert:
  test.succeed_with_changes:
    - onfail:
      - salt: one
next:
  salt.state:
    - tgt: '*'
    - sls: good
    - require:
      - salt: one
chg:
  salt.state:
    - tgt: '*'
    - sls: good
    - onchanges:
      - salt: one
miss:
  salt.state:
    - tgt: '*'
    - sls: ghost
ffh:
  salt.state:
    - tgt: '*'
    - sls: bad
    - failhard: True
never:
  test.nop
