
a:
  file.rename:
    - name: @ROOT@/new
    - source: @ROOT@/src
b:
  file.rename:
    - name: @ROOT@/there
    - source: @ROOT@/src
c:
  file.rename:
    - name: @ROOT@/there
    - source: @ROOT@/src
    - force: True
d:
  file.rename:
    - name: @ROOT@/none/x
    - source: @ROOT@/src
e:
  file.rename:
    - name: @ROOT@/made/x
    - source: @ROOT@/src
    - makedirs: True
f:
  file.rename:
    - name: @ROOT@/y
    - source: @ROOT@/absent
