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
dangling:
  file.symlink:
    - name: @ROOT@/dang
    - target: @ROOT@/nothing
rel:
  file.symlink:
    - name: @ROOT@/rel
    - target: t
noparent:
  file.symlink:
    - name: @ROOT@/p/q
    - target: @ROOT@/t
mk:
  file.symlink:
    - name: @ROOT@/mk/q
    - target: @ROOT@/t
    - makedirs: True
onfile:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/t
forcefile:
  file.symlink:
    - name: @ROOT@/file
    - target: @ROOT@/t
    - force: True
ondir:
  file.symlink:
    - name: @ROOT@/dir
    - target: @ROOT@/t
forcedir:
  file.symlink:
    - name: @ROOT@/dir
    - target: @ROOT@/t
    - force: True
forcefull:
  file.symlink:
    - name: @ROOT@/full
    - target: @ROOT@/t
    - force: True
backup:
  file.symlink:
    - name: @ROOT@/t2
    - target: @ROOT@/t
    - backupname: @ROOT@/t2.bak
reltarget-bad:
  file.symlink:
    - name: rel/link
    - target: x
