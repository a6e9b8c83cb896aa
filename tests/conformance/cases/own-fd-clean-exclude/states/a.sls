d:
  file.directory:
    - name: @ROOT@/d
    - clean: True
    - exclude_pat: '*.conf'
e:
  file.directory:
    - name: @ROOT@/e
    - clean: True
    - exclude_pat: E@o.e
