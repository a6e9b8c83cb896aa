
a:
  test.nop:
    - aggregate: True
b:
  file.managed:
    - name: @ROOT@/b
    - contents: x
    - aggregate: True
