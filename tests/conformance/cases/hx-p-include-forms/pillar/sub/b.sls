sub: {b: 1, leaf: 2}
