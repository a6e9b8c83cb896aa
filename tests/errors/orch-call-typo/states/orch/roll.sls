step:
  salt.function:
    - name: test.pnig
    - tgt: '*'
