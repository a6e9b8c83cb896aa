k:
  file.managed:
    - name: @ROOT@/d/keep
    - contents: x
s:
  file.managed:
    - name: @ROOT@/d/sub/one
    - contents: x
d:
  file.directory:
    - name: @ROOT@/d
    - clean: True
    - require:
      - file: k
      - file: s
