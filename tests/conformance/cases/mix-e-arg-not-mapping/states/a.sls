a:
  test.nop:
    - justastring
    - name: x
