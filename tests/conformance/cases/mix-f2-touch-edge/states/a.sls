
a:
  file.touch:
    - name: @ROOT@/a
b:
  file.touch:
    - name: @ROOT@/d
c:
  file.touch:
    - name: @ROOT@/no/x
d:
  file.touch:
    - name: @ROOT@/m/n/x
    - makedirs: True
e:
  file.exists:
    - name: @ROOT@/a
f:
  file.missing:
    - name: @ROOT@/nope
g:
  file.exists:
    - name: @ROOT@/nope
