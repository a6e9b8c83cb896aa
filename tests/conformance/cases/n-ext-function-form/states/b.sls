f:
  file.managed:
    - name: @ROOT@/f
g:
  file.managed:
    - name: @ROOT@/g
h:
  file.managed:
    - name: @ROOT@/h
    - contents: h
