f:
  file.absent:
    - name: @ROOT@/f
d:
  file.absent:
    - name: @ROOT@/d
n:
  file.absent:
    - name: @ROOT@/nothing
many:
  file.absent:
    - names:
      - @ROOT@/m1
      - @ROOT@/m2
root:
  file.absent:
    - name: /
