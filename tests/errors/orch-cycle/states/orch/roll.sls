a:
  salt.function:
    - name: test.ping
    - tgt: '*'
    - require:
      - salt: c
b:
  salt.function:
    - name: test.ping
    - tgt: '*'
    - require:
      - salt: a
c:
  salt.function:
    - name: test.ping
    - tgt: '*'
    - require:
      - salt: b
