a:
  file.managed:
    - name: @ROOT@/f
    - contents: new
    - backup: False
b:
  file.managed:
    - name: @ROOT@/f
    - contents: new2
    - backup: ''
c:
  file.managed:
    - name: @ROOT@/f
    - contents: new3
    - backup: minion
