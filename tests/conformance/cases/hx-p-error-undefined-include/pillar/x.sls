include: [y]
a: 1
