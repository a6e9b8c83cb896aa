include: [x]
y1:
  test.nop: []
y2:
  test.nop: []
extend:
  x:
    test:
      - require: [test: y2]
