ma: {test: [nop]}
