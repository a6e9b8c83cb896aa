
a:
  file.rename:
    - name: @ROOT@/b
    - source: @ROOT@/a
b:
  file.rename:
    - name: @ROOT@/b
    - source: @ROOT@/a
c:
  file.rename:
    - name: @ROOT@/d/x
    - source: @ROOT@/b
d:
  file.rename:
    - name: @ROOT@/d/x
    - source: @ROOT@/b
    - makedirs: True
e:
  file.rename:
    - name: @ROOT@/there
    - source: @ROOT@/s1
f:
  file.rename:
    - name: @ROOT@/there
    - source: @ROOT@/s1
    - force: True
g:
  file.rename:
    - name: @ROOT@/dd
    - source: @ROOT@/dir
h:
  file.rename:
    - name: @ROOT@/q
    - source: @ROOT@/none
