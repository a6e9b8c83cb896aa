k: v
n: 1
b: true
l: [1]
d: {x: 1}
