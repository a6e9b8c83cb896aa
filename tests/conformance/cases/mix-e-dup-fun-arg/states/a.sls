a:
  test.nop:
    - name: x
    - name: y
