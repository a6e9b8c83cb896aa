v: from a
x: {a: 1, c: a}
