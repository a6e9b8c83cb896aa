a:
  file.directory:
    - name: @ROOT@/tree
    - dir_mode: '0750'
    - file_mode: '0640'
    - recurse:
      - mode
b:
  file.directory:
    - name: @ROOT@/new/deep/dir
    - makedirs: True
    - mode: '0700'
c:
  file.directory:
    - name: @ROOT@/no/parent
d:
  file.directory:
    - name: @ROOT@/file
e:
  file.directory:
    - name: @ROOT@/file2
    - force: True
