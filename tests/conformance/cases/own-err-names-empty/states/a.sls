x:
  test.nop:
    - names: []
y:
  test.nop: []
