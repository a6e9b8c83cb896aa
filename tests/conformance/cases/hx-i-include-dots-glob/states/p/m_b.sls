mb: {test: [nop]}
