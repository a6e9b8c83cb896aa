x:
  test.nop: []
y: {{ x.y.z }}
