x: {test: [nop]}
