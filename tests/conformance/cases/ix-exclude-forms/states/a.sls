include: [b, c]
exclude:
  - sls: c
  - id: b2
  - b3
own:
  test.nop
