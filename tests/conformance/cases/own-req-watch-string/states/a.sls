src:
  test.nop: []
b1:
  test.nop:
    - watch: src
