src:
  test.nop: []
b1:
  test.nop:
    - onfail: src
