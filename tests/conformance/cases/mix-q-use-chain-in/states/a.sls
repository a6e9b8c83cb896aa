
a:
  file.managed:
    - name: @ROOT@/a
    - mode: '0600'
    - contents: a
    - use_in: [file: b]
b:
  file.managed:
    - name: @ROOT@/b
    - contents: b
c:
  file.managed:
    - name: @ROOT@/c
    - use: [file: b]
d:
  file.directory:
    - name: @ROOT@/d
    - use: [file: a]
