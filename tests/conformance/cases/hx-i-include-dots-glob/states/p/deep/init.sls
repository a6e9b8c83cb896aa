d: {test: [nop]}
