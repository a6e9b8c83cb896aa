s:
  salt.state:
    - tgt: '*'
    - tgt_type: glob
    - sls: a
    - batch: 1
    - timeout: 10
    - subset: 1
    - expect_minions: True
    - fail_minions: []
    - allow_fail: 0
    - ret: ''
    - concurrent: True
    - queue: True
    - onlyif: 'true'
t:
  salt.state:
    - tgt: '*'
    - sls: a
    - unless: 'true'
