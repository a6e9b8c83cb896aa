x:
  file.managed:
    - name: @ROOT@/x
    file.absent:
      - name: @ROOT@/y
