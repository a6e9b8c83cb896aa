b: {test: [nop]}
