o:
  file.managed:
    - name: @ROOT@/old
    - contents: new text
    - replace: False
    - mode: '0600'
n:
  file.managed:
    - name: @ROOT@/new
    - contents: new text
    - replace: False
