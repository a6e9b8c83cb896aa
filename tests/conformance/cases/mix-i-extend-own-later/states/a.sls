extend:
  x:
    test:
      - order: last
x:
  test.nop: []
y:
  test.nop: []
