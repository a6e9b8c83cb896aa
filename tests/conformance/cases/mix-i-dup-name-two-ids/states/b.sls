y:
  file.managed:
    - name: @ROOT@/f
    - contents: 2
