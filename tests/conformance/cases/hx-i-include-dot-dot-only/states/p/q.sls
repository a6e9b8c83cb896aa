include:
  - ..
x: {test: [nop]}
