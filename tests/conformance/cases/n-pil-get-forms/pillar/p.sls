a: {b: 1, l: [x, y]}
n: null
e: ''
f: false
l: [1, 2]
