include: [b, c, d]
exclude:
  - sls: b
  - sls: 'd*'
z: {test: [nop]}
