v: y
w: y
m: {y: 1, k: y}
