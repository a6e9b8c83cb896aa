x:
  test.nop: []
exclude: [{id: y1}]
