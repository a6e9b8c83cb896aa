
s:
  salt.state:
    - tgt: '*'
    - sls: [mix, ok]
n:
  salt.state:
    - tgt: '*'
    - sls: ok
    - require_any: [salt: s, salt: z]
z:
  salt.state:
    - tgt: '*'
    - sls: ok
f:
  salt.state:
    - tgt: '*'
    - sls: chg
    - onfail: [salt: s]
