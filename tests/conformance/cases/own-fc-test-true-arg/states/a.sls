a:
  file.managed:
    - name: @ROOT@/x
    - contents: x
    - test: True
b:
  file.managed:
    - name: @ROOT@/y
    - contents: y
