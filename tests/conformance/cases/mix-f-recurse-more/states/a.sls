
a:
  file.recurse:
    - name: @ROOT@/d
    - source: salt://tree
    - file_mode: '0600'
    - dir_mode: '0700'
    - exclude_pat: '*.bak'
    - clean: True
b:
  file.recurse:
    - name: @ROOT@/e
    - source: salt://tree
    - include_pat: 'E@\.txt$'
    - template: jinja
    - context: {v: 1}
c:
  file.recurse:
    - name: @ROOT@/n
    - source: salt://none
d:
  file.recurse:
    - name: @ROOT@/keep
    - source: salt://tree/sub
    - file_mode: keep
    - replace: False
