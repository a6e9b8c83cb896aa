include: [.leaf]
sub: {init: 1}
