new:
  file.symlink:
    - name: @ROOT@/new
    - target: /etc/hosts
rel:
  file.symlink:
    - name: @ROOT@/rel
    - target: new
mk:
  file.symlink:
    - name: @ROOT@/d/e/l
    - target: x
    - makedirs: True
nomk:
  file.symlink:
    - name: @ROOT@/q/e/l
    - target: x
chg:
  file.symlink:
    - name: @ROOT@/old
    - target: b
same:
  file.symlink:
    - name: @ROOT@/same
    - target: a
file:
  file.symlink:
    - name: @ROOT@/file
    - target: a
ff:
  file.symlink:
    - name: @ROOT@/ff
    - target: a
    - force: True
bk:
  file.symlink:
    - name: @ROOT@/bk
    - target: a
    - backupname: @ROOT@/bk.saved
bkrel:
  file.symlink:
    - name: @ROOT@/bkrel
    - target: a
    - backupname: saved
bkdir:
  file.symlink:
    - name: @ROOT@/bkdir
    - target: a
    - backupname: @ROOT@/bkdir.saved
dir:
  file.symlink:
    - name: @ROOT@/dir
    - target: a
rn:
  file.symlink:
    - name: relative/name
    - target: a
et:
  file.symlink:
    - name: @ROOT@/et
    - target: ''
nt:
  file.symlink:
    - name: @ROOT@/nt
mode:
  file.symlink:
    - name: @ROOT@/m
    - target: a
    - mode: '0600'
user:
  file.symlink:
    - name: @ROOT@/u
    - target: a
    - user: nosuchuser
atomic:
  file.symlink:
    - name: @ROOT@/at
    - target: a
    - atomic: True
noover:
  file.symlink:
    - name: @ROOT@/old2
    - target: b
    - disallow_copy_and_unlink: True
