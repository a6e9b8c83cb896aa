include:
  - ''
x: {test: [nop]}
