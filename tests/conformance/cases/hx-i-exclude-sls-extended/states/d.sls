w: {test: [nop]}
