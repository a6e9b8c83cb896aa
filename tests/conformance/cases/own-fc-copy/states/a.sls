new:
  file.copy:
    - name: @ROOT@/new
    - source: @ROOT@/src
same:
  file.copy:
    - name: @ROOT@/same
    - source: @ROOT@/src
other:
  file.copy:
    - name: @ROOT@/other
    - source: @ROOT@/src
force:
  file.copy:
    - name: @ROOT@/forced
    - source: @ROOT@/src
    - force: True
gone:
  file.copy:
    - name: @ROOT@/x
    - source: @ROOT@/gone
mk:
  file.copy:
    - name: @ROOT@/a/b/c
    - source: @ROOT@/src
    - makedirs: True
    - mode: '0600'
dir:
  file.copy:
    - name: @ROOT@/dircopy
    - source: @ROOT@/dir
preserve:
  file.copy:
    - name: @ROOT@/pres
    - source: @ROOT@/exe
    - preserve: True
plain:
  file.copy:
    - name: @ROOT@/plain
    - source: @ROOT@/exe
sub:
  file.copy:
    - name: @ROOT@/dir
    - source: @ROOT@/src
    - subdir: True
