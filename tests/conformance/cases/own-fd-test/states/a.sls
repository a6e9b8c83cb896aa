a:
  file.directory:
    - name: @ROOT@/new
b:
  file.directory:
    - name: @ROOT@/old
c:
  file.directory:
    - name: @ROOT@/old
    - mode: '0700'
d:
  file.directory:
    - name: @ROOT@/x/y
