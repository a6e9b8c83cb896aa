
a:
  file.directory:
    - name: @ROOT@/d/e
    - makedirs: True
    - mode: '0750'
    - dir_mode: '0700'
b:
  file.directory:
    - name: @ROOT@/rec
    - file_mode: '0640'
    - dir_mode: '0710'
    - recurse: [mode]
c:
  file.directory:
    - name: @ROOT@/cl
    - clean: True
    - exclude_pat: 'E@^k'
d:
  file.directory:
    - name: @ROOT@/file
e:
  file.directory:
    - name: @ROOT@/file2
    - force: True
f:
  file.directory:
    - name: @ROOT@/link
g:
  file.directory:
    - name: @ROOT@/q
    - backupname: @ROOT@/q.bak
keep:
  file.managed:
    - name: @ROOT@/cl/req
    - contents: r
    - require_in: [file: c]
