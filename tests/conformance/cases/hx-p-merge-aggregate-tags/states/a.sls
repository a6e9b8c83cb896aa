f: {test: [nop]}
