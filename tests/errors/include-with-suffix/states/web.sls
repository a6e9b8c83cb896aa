include:
  - common.sls
web: test.nop
