f:
  file.managed:
    - name: @ROOT@/f
    - contents: original
extend:
  f:
    file:
      - contents: own
