step:
  salt.state:
    - tgt: __slot__:salt:pillar.get(role)
    - sls: [web]
