a:
  file.managed:
    - name: @ROOT@/x
    - contents: x
