include: [b, c]
extend:
  b2: {test: [{order: 1}]}
  c1: {test: [{order: last}]}
a1: {test: [nop]}
