include:
  - {base: b, dev: c}
x: {test: [nop]}
