include:
  - b/c
x: {test: [nop]}
