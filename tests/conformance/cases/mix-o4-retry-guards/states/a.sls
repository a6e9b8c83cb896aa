
b:
  salt.state:
    - tgt: '*'
    - sls: ok
    - unless: "true"
c:
  salt.state:
    - tgt: '*'
    - sls: ok
    - onlyif: "true"
    - check_cmd: [ "false" ]
d:
  salt.state:
    - tgt: '*'
    - sls: ok
    - failhard: True
