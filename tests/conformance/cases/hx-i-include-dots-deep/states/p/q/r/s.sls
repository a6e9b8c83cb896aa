include:
  - ..t
s: {test: [nop]}
