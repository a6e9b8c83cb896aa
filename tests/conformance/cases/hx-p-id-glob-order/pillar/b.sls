include: [a, c]
v: from b
x: {b: 1}
