k: two
m: {a: 2, b: 3}
l: [1]
