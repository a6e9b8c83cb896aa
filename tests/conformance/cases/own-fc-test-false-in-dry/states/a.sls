a:
  file.managed:
    - name: @ROOT@/x
    - contents: x
    - test: False
b:
  file.managed:
    - name: @ROOT@/y
    - contents: y
