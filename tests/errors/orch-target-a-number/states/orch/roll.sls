step:
  salt.function:
    - name: test.ping
    - tgt: 52:54:00:12:34:56
