same:
  file.touch:
    - name: @ROOT@/x
