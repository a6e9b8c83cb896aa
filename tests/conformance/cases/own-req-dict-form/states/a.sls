src:
  test.nop: []
b1:
  test.nop:
    - require:
        test: src
