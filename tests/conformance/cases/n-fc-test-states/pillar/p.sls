x: 1
i: 5
s: str
l: [1]
d: {k: 1}
b: true
