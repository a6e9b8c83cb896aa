x:
  test:
    - nop
y:
  file:
    - managed
    - name: @ROOT@/y
    - contents: y
