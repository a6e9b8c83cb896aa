d:
  file.managed:
    - name: @ROOT@/f
    - contents: own
