a:
  file.recurse:
    - name: @ROOT@/a
    - source: salt://tree
b:
  file.recurse:
    - name: @ROOT@/b
    - source: salt://tree
    - include_pat: '*.txt'
    - file_mode: '0600'
    - dir_mode: '0700'
c:
  file.recurse:
    - name: @ROOT@/c
    - source: salt://tree
    - exclude_pat: '*.conf'
    - clean: True
d:
  file.recurse:
    - name: @ROOT@/d
    - source: salt://gone
e:
  file.recurse:
    - name: @ROOT@/e
    - source: salt://tree
    - template: jinja
    - context: {v: value}
    - file_mode: keep
f:
  file.recurse:
    - name: @ROOT@/f
    - source: salt://tree
    - maxdepth: 0
g:
  file.recurse:
    - name: @ROOT@/g
    - source: salt://tree
    - exclude_pat: 'E@sub/.*'
