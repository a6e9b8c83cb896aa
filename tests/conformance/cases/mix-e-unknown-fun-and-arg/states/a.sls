a:
  file.manged:
    - name: @ROOT@/f
b:
  file.managed:
    - name: @ROOT@/f
    - content: x
c:
  nofile.x: []
d:
  test.nop:
    - require: [file: a]
