m: {a: 1, l: [1, 2], n: {x: 1}, s: text, z: keep}
t: [1]
k: {p: 1}
