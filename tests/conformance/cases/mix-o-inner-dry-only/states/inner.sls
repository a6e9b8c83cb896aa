i:
  file.managed:
    - name: @ROOT@/i
    - contents: x
