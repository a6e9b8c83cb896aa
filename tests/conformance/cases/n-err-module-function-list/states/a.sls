x:
  file:
    - managed
    - name: @ROOT@/x
    - contents: y
y:
  test:
    - nop
z:
  cmd:
    - name: echo z >> @ROOT@/z
    - run
