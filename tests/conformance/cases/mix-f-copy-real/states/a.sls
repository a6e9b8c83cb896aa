
a:
  file.copy:
    - name: @ROOT@/new
    - source: @ROOT@/src
    - mode: '0600'
b:
  file.copy:
    - name: @ROOT@/there
    - source: @ROOT@/src
c:
  file.copy:
    - name: @ROOT@/there2
    - source: @ROOT@/src
    - force: True
d:
  file.copy:
    - name: @ROOT@/none/x
    - source: @ROOT@/src
g:
  file.copy:
    - name: @ROOT@/dir2
    - source: @ROOT@/dir
h:
  file.copy:
    - name: @ROOT@/same
    - source: @ROOT@/src
    - force: True
i:
  file.copy:
    - name: @ROOT@/dir
    - source: @ROOT@/src
    - subdir: True
j:
  file.copy:
    - name: @ROOT@/exe
    - source: @ROOT@/tool.sh
    - preserve: True
