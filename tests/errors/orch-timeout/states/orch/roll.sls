step:
  salt.function:
    - name: test.ping
    - tgt: '*'
    - timeout: soon
