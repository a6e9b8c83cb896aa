l:
  file.absent:
    - name: @ROOT@/l
dl:
  file.absent:
    - name: @ROOT@/dl
f:
  file.absent:
    - name: @ROOT@/f
f2:
  file.absent:
    - name: @ROOT@/f
d:
  file.absent:
    - name: @ROOT@/d/
n:
  file.absent:
    - name: @ROOT@/x/y/z
e:
  file.absent:
    - name: ''
g:
  file.absent:
    - names: [@ROOT@/q, @ROOT@/r]
