include: [b]
y: {test: [nop]}
