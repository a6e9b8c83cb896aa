include:
  - base: b
  - c
  - base: d.e
x: {test: [nop]}
