wrong: {test: [nop]}
