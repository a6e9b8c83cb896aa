dd: {test: [nop]}
