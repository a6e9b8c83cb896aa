new:
  file.touch:
    - name: @ROOT@/new
old:
  file.touch:
    - name: @ROOT@/old
noparent:
  file.touch:
    - name: @ROOT@/a/b
parent:
  file.touch:
    - name: @ROOT@/c/d
    - makedirs: True
