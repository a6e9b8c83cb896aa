include:
  - .s
  - ..t
  - ...u
x: {test: [nop]}
