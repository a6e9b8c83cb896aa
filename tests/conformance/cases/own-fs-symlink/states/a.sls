new:
  file.symlink:
    - name: @ROOT@/new
    - target: @ROOT@/t
again:
  file.symlink:
    - name: @ROOT@/new
    - target: @ROOT@/t
    - require:
      - file: new
change:
  file.symlink:
    - name: @ROOT@/new
    - target: @ROOT@/u
    - require:
      - file: again
overfile:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/t
force:
  file.symlink:
    - name: @ROOT@/file2
    - target: @ROOT@/t
    - force: True
noparent:
  file.symlink:
    - name: @ROOT@/no/parent
    - target: @ROOT@/t
parent:
  file.symlink:
    - name: @ROOT@/yes/parent
    - target: @ROOT@/t
    - makedirs: True
backup:
  file.symlink:
    - name: @ROOT@/file3
    - target: @ROOT@/t
    - backupname: @ROOT@/file3.old
rel:
  file.symlink:
    - name: @ROOT@/rel
    - target: t
