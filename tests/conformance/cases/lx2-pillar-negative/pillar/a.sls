d: {l: [a, b], e: '', m: {k: v}}
n: ~
f: false
lm: [{k: 1}, {k: 2}]
s: str
m: {1: one}
pick: v
