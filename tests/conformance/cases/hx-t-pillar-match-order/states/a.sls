a: {test: [nop]}
