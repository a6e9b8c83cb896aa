include:
  - b.sls
x: {test: [nop]}
