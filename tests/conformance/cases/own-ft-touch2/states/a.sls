new:
  file.touch:
    - name: @ROOT@/new
old:
  file.touch:
    - name: @ROOT@/f
deep:
  file.touch:
    - name: @ROOT@/p/q
mk:
  file.touch:
    - name: @ROOT@/m/q
    - makedirs: True
times:
  file.touch:
    - name: @ROOT@/t
    - mtime: 1000000000
    - atime: 1000000000
dir:
  file.touch:
    - name: @ROOT@
