f:
  file.absent:
    - name: @ROOT@/f
d:
  file.absent:
    - name: @ROOT@/d
l:
  file.absent:
    - name: @ROOT@/l
no:
  file.absent:
    - name: @ROOT@/no
rel:
  file.absent:
    - name: rel
names:
  file.absent:
    - names:
      - @ROOT@/n1
      - @ROOT@/n2
      - @ROOT@/n3
root:
  file.absent:
    - name: /
ex:
  file.exists:
    - name: @ROOT@/n3/x
mis:
  file.missing:
    - name: @ROOT@/n1
exn:
  file.exists:
    - name: @ROOT@/gone
misn:
  file.missing:
    - name: @ROOT@/keep
glob:
  file.absent:
    - name: @ROOT@/k*
