a: {b: {c: 1}, 'x:y': 2, l: [p, {q: r}]}
e: ''
n: null
f: false
z: 0
