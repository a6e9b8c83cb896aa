a:
  file.managed:
    - name: @ROOT@/x/y/z
    - contents: deep
b:
  file.managed:
    - name: @ROOT@/p/q/r
    - contents: deep
    - makedirs: True
    - mode: '0600'
c:
  file.managed:
    - name: @ROOT@/d/e/f
    - contents: deep
    - makedirs: True
    - dir_mode: '0711'
    - mode: '0600'
