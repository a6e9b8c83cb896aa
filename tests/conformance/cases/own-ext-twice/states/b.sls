f:
  file.managed:
    - name: @ROOT@/f
    - contents: original
    - mode: '0600'
