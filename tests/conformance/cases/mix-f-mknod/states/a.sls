
p:
  file.mknod:
    - name: @ROOT@/pipe
    - ntype: p
    - mode: 660
p2:
  file.mknod:
    - name: @ROOT@/pipe
    - ntype: p
p3:
  file.mknod:
    - name: @ROOT@/there
    - ntype: p
bad:
  file.mknod:
    - name: @ROOT@/x
    - ntype: q
none:
  file.mknod:
    - name: @ROOT@/y
noparent:
  file.mknod:
    - name: @ROOT@/no/pipe
    - ntype: p
chr:
  file.mknod:
    - name: @ROOT@/null
    - ntype: c
    - major: 1
    - minor: 3
    - mode: 666
chr2:
  file.mknod:
    - name: @ROOT@/null
    - ntype: c
    - major: 1
    - minor: 5
chr3:
  file.mknod:
    - name: @ROOT@/null
    - ntype: c
    - major: 1
    - minor: 3
    - mode: 600
pc:
  file.mknod:
    - name: @ROOT@/null
    - ntype: p
nomajor:
  file.mknod:
    - name: @ROOT@/q
    - ntype: b
blk:
  file.mknod:
    - name: @ROOT@/blk
    - ntype: b
    - major: 7
    - minor: 200
