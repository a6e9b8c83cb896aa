x:
  test.nop:
    - name: same
y:
  test.nop:
    - name: same
