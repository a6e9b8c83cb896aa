f:
  file.absent:
    - name: @ROOT@/f
n:
  file.absent:
    - name: @ROOT@/n
