x:
  test.nop:
    - name: a
  test.nop:
    - name: b
