sub: {leaf: 1}
