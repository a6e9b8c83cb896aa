u: {test: [nop]}
