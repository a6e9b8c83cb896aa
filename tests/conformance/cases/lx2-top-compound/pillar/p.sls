pk: v
deep: {a: b}
pl: [x, y]
