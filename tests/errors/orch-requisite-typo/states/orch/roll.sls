first:
  salt.function:
    - name: test.ping
    - tgt: '*'
step:
  salt.state:
    - tgt: '*'
    - sls: [web]
    - require:
      - salt: frist
