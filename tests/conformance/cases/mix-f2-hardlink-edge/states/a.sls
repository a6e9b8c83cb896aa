
a:
  file.hardlink:
    - name: @ROOT@/l
    - target: @ROOT@/f
b:
  file.hardlink:
    - name: @ROOT@/l
    - target: @ROOT@/f
c:
  file.hardlink:
    - name: @ROOT@/g
    - target: @ROOT@/f
d:
  file.hardlink:
    - name: @ROOT@/g
    - target: @ROOT@/f
    - force: True
e:
  file.hardlink:
    - name: @ROOT@/n/l
    - target: @ROOT@/f
f:
  file.hardlink:
    - name: @ROOT@/n/l
    - target: @ROOT@/f
    - makedirs: True
g:
  file.hardlink:
    - name: @ROOT@/z
    - target: @ROOT@/none
