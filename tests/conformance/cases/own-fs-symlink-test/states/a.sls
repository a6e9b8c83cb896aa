new:
  file.symlink:
    - name: @ROOT@/new
    - target: @ROOT@/t
same:
  file.symlink:
    - name: @ROOT@/old
    - target: @ROOT@/t
chg:
  file.symlink:
    - name: @ROOT@/old
    - target: @ROOT@/t2
onfile:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/t
forcefile:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/t
    - force: True
noparent:
  file.symlink:
    - name: @ROOT@/p/q
    - target: @ROOT@/t
