a:
  test:
    - nop
    - name: x
b:
  file:
    - managed
    - name: @ROOT@/b
    - contents: x
