
a:
  file.managed:
    - name: @ROOT@/link
    - contents: new
b:
  file.managed:
    - name: @ROOT@/link2
    - contents: new
    - follow_symlinks: False
c:
  file.directory:
    - name: @ROOT@/dl
d:
  file.directory:
    - name: @ROOT@/dl2
    - allow_symlink: False
e:
  file.directory:
    - name: @ROOT@/dl3
    - allow_symlink: False
    - force: True
f:
  file.absent:
    - name: @ROOT@/link3
g:
  file.append:
    - name: @ROOT@/link
    - text: more
h:
  file.symlink:
    - name: @ROOT@/rel
    - target: file
i:
  file.symlink:
    - name: @ROOT@/rel
    - target: ./file
j:
  file.symlink:
    - name: @ROOT@/rel
    - target: @ROOT@/file
