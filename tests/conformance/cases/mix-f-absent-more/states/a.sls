
a:
  file.absent:
    - names: [@ROOT@/x, @ROOT@/d, @ROOT@/l, @ROOT@/no]
b:
  file.exists:
    - name: @ROOT@/x
c:
  file.missing:
    - name: @ROOT@/x
d:
  file.absent:
    - name: /
e:
  file.absent:
    - name: relative/x
