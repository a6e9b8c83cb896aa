a:
  file.managed:
    - name: @ROOT@/a
    - source: salt://d
b:
  file.managed:
    - name: @ROOT@
    - contents: x
