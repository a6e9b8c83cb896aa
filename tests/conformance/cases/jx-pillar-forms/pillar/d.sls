a:
  l: [1, 2]
  m: {k: {v: 1}}
role: q
1: {x: y}
