s:
  salt.state:
    - tgt: '*'
    - highstate: True
