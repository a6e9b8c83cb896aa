x:
  file.symlink:
    - name: @ROOT@/l
y:
  file.replace:
    - name: @ROOT@/f
z:
  file.copy:
    - name: @ROOT@/c
w:
  test.nop: []
