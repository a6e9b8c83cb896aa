include: [b, c]
exclude:
  - id: b1
  - sls: c
  - b3
a:
  test.nop:
    - require: [test: b2]
