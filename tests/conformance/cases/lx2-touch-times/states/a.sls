a:
  file.touch:
    - name: @ROOT@/a
    - mtime: 1.5
b:
  file.touch:
    - name: @ROOT@/b
    - mtime: true
c:
  file.touch:
    - name: @ROOT@/c
    - mtime: '5'
    - atime: 7
