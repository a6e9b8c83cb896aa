a:
  test.nop:
    - name: x
    order: 1
