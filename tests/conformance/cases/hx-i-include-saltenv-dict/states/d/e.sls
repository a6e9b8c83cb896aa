e: {test: [nop]}
