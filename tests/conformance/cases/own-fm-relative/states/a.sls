a:
  file.managed:
    - name: relative/path
    - contents: x
b:
  file.directory:
    - name: rel
c:
  file.absent:
    - name: rel
d:
  file.touch:
    - name: rel
e:
  file.symlink:
    - name: rel
    - target: @ROOT@/x
