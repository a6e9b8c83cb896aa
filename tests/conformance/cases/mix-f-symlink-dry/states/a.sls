
a:
  file.symlink:
    - name: @ROOT@/new
    - target: @ROOT@/src
b:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/src
c:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/src
    - force: True
d:
  file.symlink:
    - name: @ROOT@/dir
    - target: @ROOT@/src
    - force: True
e:
  file.symlink:
    - name: @ROOT@/l
    - target: @ROOT@/other
f:
  file.symlink:
    - name: @ROOT@/l
    - target: @ROOT@/src
g:
  file.symlink:
    - name: @ROOT@/none/l
    - target: @ROOT@/src
h:
  file.symlink:
    - name: @ROOT@/none/l
    - target: @ROOT@/src
    - makedirs: True
i:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/src
    - backupname: @ROOT@/bak
j:
  file.symlink:
    - name: @ROOT@/edir
    - target: @ROOT@/src
    - force: True
