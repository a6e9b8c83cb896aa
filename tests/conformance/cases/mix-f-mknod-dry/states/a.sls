
p:
  file.mknod:
    - name: @ROOT@/pipe
    - ntype: p
    - mode: 660
p3:
  file.mknod:
    - name: @ROOT@/there
    - ntype: p
chr:
  file.mknod:
    - name: @ROOT@/null
    - ntype: c
    - major: 1
    - minor: 3
