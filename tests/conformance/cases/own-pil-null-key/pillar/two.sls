a: null
b: {k: v}
c: [3]
