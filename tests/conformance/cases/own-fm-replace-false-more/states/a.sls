f:
  file.managed:
    - name: @ROOT@/f
    - contents: new
    - replace: False
    - mode: '0600'
g:
  file.managed:
    - name: @ROOT@/g
    - contents: new
    - replace: False
h:
  file.managed:
    - name: @ROOT@/h
    - replace: False
