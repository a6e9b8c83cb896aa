role: {kind: storage}
l: [a1, b2]
