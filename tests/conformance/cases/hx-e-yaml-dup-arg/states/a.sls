x:
  file.managed:
    - name: @ROOT@/a
    - contents: one
    - contents: two
    - name: @ROOT@/b
