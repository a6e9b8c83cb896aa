
one:
  test.nop:
    - require: [test: five, test: three]
two:
  test.nop: []
three:
  test.nop:
    - require: [test: four]
four:
  test.nop: []
five:
  test.nop:
    - order: last
