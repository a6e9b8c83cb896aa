a: {x: 1, y: 2}
b: text
c: [1, 2]
