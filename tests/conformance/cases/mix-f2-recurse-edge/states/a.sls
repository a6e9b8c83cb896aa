
a:
  file.recurse:
    - name: @ROOT@/a
    - source: salt://t
    - maxdepth: 0
b:
  file.recurse:
    - name: @ROOT@/b
    - source: salt://t
    - include_empty: True
    - keep_symlinks: True
c:
  file.recurse:
    - name: @ROOT@/c
    - source: [salt://none, salt://t/s]
d:
  file.recurse:
    - name: @ROOT@/d
    - source: salt://t
    - clean: True
    - include_pat: '*.txt'
e:
  file.recurse:
    - name: @ROOT@/file
    - source: salt://t
f:
  file.recurse:
    - name: @ROOT@/f
    - source: salt://t
    - mode: '0600'
g:
  file.recurse:
    - name: @ROOT@/g
    - source: salt://t
    - exclude_pat: s/*
    - file_mode: '0640'
h:
  file.recurse:
    - name: @ROOT@/a
    - source: salt://t
    - maxdepth: 0
i:
  file.recurse:
    - name: @ROOT@/i
    - source: t
