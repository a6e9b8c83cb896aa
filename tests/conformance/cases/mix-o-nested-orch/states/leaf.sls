l:
  file.managed:
    - name: @ROOT@/l
    - contents: x
