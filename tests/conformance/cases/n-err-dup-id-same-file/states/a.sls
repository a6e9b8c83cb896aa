x:
  test.nop
y:
  test.nop
x:
  file.touch:
    - name: @ROOT@/x
