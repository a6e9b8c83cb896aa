v: from c
x: {c: 1}
