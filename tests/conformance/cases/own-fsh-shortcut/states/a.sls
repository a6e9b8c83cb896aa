a:
  file.nosuchfunction:
    - name: @ROOT@/x
