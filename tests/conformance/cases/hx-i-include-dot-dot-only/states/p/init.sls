px: {test: [nop]}
