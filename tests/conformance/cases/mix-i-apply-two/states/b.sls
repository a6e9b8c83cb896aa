include: [c]
b:
  test.nop: [{require: [test: a]}]
