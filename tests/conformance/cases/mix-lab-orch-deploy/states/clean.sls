x:
  file.absent:
    - name: @ROOT@/app
