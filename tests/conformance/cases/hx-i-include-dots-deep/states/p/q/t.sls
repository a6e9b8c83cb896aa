include:
  - .r.s
t: {test: [nop]}
