cp:
  file.copy:
    - name: @ROOT@/cp
    - source: @ROOT@/src
again:
  file.copy:
    - name: @ROOT@/cp
    - source: @ROOT@/src
ex:
  file.copy:
    - name: @ROOT@/ex
    - source: @ROOT@/src
exf:
  file.copy:
    - name: @ROOT@/exf
    - source: @ROOT@/src
    - force: True
pres:
  file.copy:
    - name: @ROOT@/pres
    - source: @ROOT@/exe
    - preserve: True
nopres:
  file.copy:
    - name: @ROOT@/nopres
    - source: @ROOT@/exe
mode:
  file.copy:
    - name: @ROOT@/mode
    - source: @ROOT@/src
    - mode: '0600'
dir:
  file.copy:
    - name: @ROOT@/dir2
    - source: @ROOT@/dir
into:
  file.copy:
    - name: @ROOT@/into
    - source: @ROOT@/src
    - subdir: True
into2:
  file.copy:
    - name: @ROOT@/into/
    - source: @ROOT@/src
mk:
  file.copy:
    - name: @ROOT@/a/b/c
    - source: @ROOT@/src
    - makedirs: True
    - dir_mode: '0700'
nomk:
  file.copy:
    - name: @ROOT@/aa/b/c
    - source: @ROOT@/src
nosrc:
  file.copy:
    - name: @ROOT@/nosrc
    - source: @ROOT@/nope
link:
  file.copy:
    - name: @ROOT@/linkcopy
    - source: @ROOT@/link
