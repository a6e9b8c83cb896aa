
a:
  file.copy:
    - name: @ROOT@/new
    - source: @ROOT@/src
b:
  file.copy:
    - name: @ROOT@/there
    - source: @ROOT@/src
c:
  file.copy:
    - name: @ROOT@/there
    - source: @ROOT@/src
    - force: True
d:
  file.copy:
    - name: @ROOT@/none/x
    - source: @ROOT@/src
e:
  file.copy:
    - name: @ROOT@/made/x
    - source: @ROOT@/src
    - makedirs: True
f:
  file.copy:
    - name: @ROOT@/y
    - source: @ROOT@/absent
g:
  file.copy:
    - name: @ROOT@/dir2
    - source: @ROOT@/dir
h:
  file.copy:
    - name: @ROOT@/same
    - source: @ROOT@/src
    - force: True
