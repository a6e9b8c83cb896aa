include: [l2]
s1:
  test.nop: []
extend:
  s2:
    test: [{order: 1}]
