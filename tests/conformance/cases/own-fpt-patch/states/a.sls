a:
  file.patch:
    - name: @ROOT@/f
    - source: salt://p.patch
b:
  file.patch:
    - name: @ROOT@/f
    - source: salt://p.patch
