d:
  file.managed:
    - name: @ROOT@/d
    - contents: own
