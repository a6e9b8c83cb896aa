include:
  - .
x: {test: [nop]}
