y: {test: [nop]}
