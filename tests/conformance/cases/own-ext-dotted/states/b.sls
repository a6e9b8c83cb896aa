f:
  file.managed:
    - name: @ROOT@/f
    - contents: original
