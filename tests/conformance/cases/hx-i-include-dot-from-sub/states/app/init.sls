i: {test: [nop]}
