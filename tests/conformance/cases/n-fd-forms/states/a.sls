mode:
  file.directory:
    - name: @ROOT@/mode
    - mode: '0700'
rec:
  file.directory:
    - name: @ROOT@/rec
    - file_mode: '0600'
    - dir_mode: '0711'
    - recurse:
      - mode
reci:
  file.directory:
    - name: @ROOT@/reci
    - file_mode: '0600'
    - dir_mode: '0711'
    - recurse:
      - mode
      - ignore_files
recd:
  file.directory:
    - name: @ROOT@/recd
    - file_mode: '0600'
    - dir_mode: '0711'
    - recurse:
      - mode
      - ignore_dirs
depth:
  file.directory:
    - name: @ROOT@/depth
    - file_mode: '0600'
    - dir_mode: '0711'
    - max_depth: 1
    - recurse:
      - mode
badrec:
  file.directory:
    - name: @ROOT@/badrec
    - recurse:
      - nope
recstr:
  file.directory:
    - name: @ROOT@/recstr
    - recurse: mode
clean:
  file.directory:
    - name: @ROOT@/clean
    - clean: True
cleanreq:
  file.directory:
    - name: @ROOT@/cleanreq
    - clean: True
    - require:
      - file: kept
kept:
  file.managed:
    - name: @ROOT@/cleanreq/sub/kept
    - contents: k
    - makedirs: True
cleanex:
  file.directory:
    - name: @ROOT@/cleanex
    - clean: True
    - exclude_pat: 'k*'
nomk:
  file.directory:
    - name: @ROOT@/n/o/mk
mk:
  file.directory:
    - name: @ROOT@/m/k/d
    - makedirs: True
    - mode: '0750'
link:
  file.directory:
    - name: @ROOT@/link
linkno:
  file.directory:
    - name: @ROOT@/link
    - follow_symlinks: False
    - mode: '0700'
linkno2:
  file.directory:
    - name: @ROOT@/link
    - allow_symlink: False
dangling:
  file.directory:
    - name: @ROOT@/dang
relname:
  file.directory:
    - name: rel/x
backup:
  file.directory:
    - name: @ROOT@/bk
    - backupname: @ROOT@/bk.old
