de: {test: [nop]}
