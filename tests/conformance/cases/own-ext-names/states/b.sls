f:
  test.nop:
    - name: single
