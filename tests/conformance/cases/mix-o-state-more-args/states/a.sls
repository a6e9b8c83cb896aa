
a:
  salt.state:
    - tgt: '*'
    - sls: bad
    - allow_fail: 1
b:
  salt.state:
    - tgt: '*'
    - sls: bad
    - fail_minions: lab-minion
c:
  salt.state:
    - tgt: '*'
    - sls: bad
    - fail_minions: [other]
d:
  salt.state:
    - tgt: '*'
    - sls: inner
    - test: True
e:
  salt.state:
    - tgt: '*'
    - sls: inner
    - expect_minions: True
    - timeout: 30
    - subset: 1
    - batch: 1
f:
  salt.state:
    - tgt: '*'
    - sls: inner
    - saltenv: base
    - queue: True
    - ret: ''
