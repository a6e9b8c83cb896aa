d:
  file.directory:
    - name: @ROOT@/d
    - clean: True
e:
  file.directory:
    - name: @ROOT@/e
    - makedirs: True
f:
  file.directory:
    - name: @ROOT@/d
    - mode: '0700'
g:
  file.directory:
    - name: @ROOT@/d
h:
  file.directory:
    - name: @ROOT@/d/drop
i:
  file.directory:
    - name: @ROOT@/x/y/z
j:
  file.directory:
    - name: @ROOT@/d/drop
    - force: True
