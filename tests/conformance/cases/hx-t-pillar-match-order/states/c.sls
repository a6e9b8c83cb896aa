c: {test: [nop]}
