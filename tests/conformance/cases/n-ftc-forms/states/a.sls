t:
  file.touch:
    - name: @ROOT@/t
mk:
  file.touch:
    - name: @ROOT@/a/t
    - makedirs: True
nomk:
  file.touch:
    - name: @ROOT@/b/t
dir:
  file.touch:
    - name: @ROOT@/d
time:
  file.touch:
    - name: @ROOT@/time
    - mtime: 1000
    - atime: 2000
rel:
  file.touch:
    - name: rel
