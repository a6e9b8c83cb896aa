x:
  file.managed:
    - name: @ROOT@/x
    - contents: c
