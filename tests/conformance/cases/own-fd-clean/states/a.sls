k:
  file.managed:
    - name: @ROOT@/d/kept
    - contents: x
d:
  file.directory:
    - name: @ROOT@/d
    - clean: True
    - require:
      - file: k
e:
  file.directory:
    - name: @ROOT@/e
    - clean: True
    - exclude_pat: 'keep*'
