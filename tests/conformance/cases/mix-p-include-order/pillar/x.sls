include: [y, z]
v: x
m: {x: 1}
