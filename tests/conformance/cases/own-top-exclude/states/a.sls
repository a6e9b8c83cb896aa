a: test.nop
exclude:
  - sls: b
