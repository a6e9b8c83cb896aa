
c:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/src
    - force: True
e:
  file.symlink:
    - name: @ROOT@/l
    - target: @ROOT@/other
i:
  file.symlink:
    - name: @ROOT@/file2
    - target: src
    - backupname: @ROOT@/bak
k:
  file.symlink:
    - name: @ROOT@/a/b/l
    - target: ../../src
    - makedirs: True
    - mode: '0700'
m:
  file.symlink:
    - name: @ROOT@/dir
    - target: @ROOT@/src
    - backupname: @ROOT@/dirbak
