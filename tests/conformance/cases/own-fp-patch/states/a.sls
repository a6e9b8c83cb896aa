a:
  file.patch:
    - name: @ROOT@/f
    - source: salt://p.patch
